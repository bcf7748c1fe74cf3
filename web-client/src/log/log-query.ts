/** What is searched for in a log. */
export interface LogQuery {
  readonly text: string;
  /** True when the text is an expression in RE2's syntax. */
  readonly isExpression: boolean;
  readonly matchCase: boolean;
}
