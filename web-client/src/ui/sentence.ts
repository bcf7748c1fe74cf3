/** A fact as errors tell it, "connection refused", as a sentence: "Connection refused." */
export function asSentence(fact: string): string {
  return `${fact.charAt(0).toUpperCase()}${fact.slice(1)}${/[.!?]$/.test(fact) ? "" : "."}`;
}
