import { RE2JS } from "@bufbuild/re2";
import type { MatchOptions } from "./text-match.ts";

/**
 * True for texts that match an expression in RE2's syntax, which takes linear time whatever the expression: nobody can stall
 * whoever searches. Throws when it does not compile.
 */
export function matchExpression(search: string, { matchCase }: MatchOptions): (text: string) => boolean {
  const expression = RE2JS.compile(search, matchCase ? 0 : RE2JS.CASE_INSENSITIVE);
  return (text) => expression.test(text);
}
