/** A host, or all hosts below a name, on one port. */
export interface HostRule {
  /** In lower case. */
  readonly name: string;
  /** The host of that name, or those below it but not itself. */
  readonly scope: "itself" | "below";
  readonly port: number;
}

/** Parses "host", "*.host", or either with ":port"; undefined when it is none of these. */
export function parseHostRule(text: string): HostRule | undefined {
  const [, star, name = "", portText = String(tlsPort)] = /^(\*\.)?([^:*]+)(?::([1-9][0-9]{0,4}))?$/.exec(text) ?? [];
  const port = Number(portText);
  if (!isHostName(name) || port > 65_535) return undefined;
  if (star === undefined) return { name, scope: "itself", port };
  // Nobody means all of "*.com".
  return name.includes(".") ? { name, scope: "below", port } : undefined;
}

/** How a rule is written. */
export function formatHostRule({ name, scope, port }: HostRule): string {
  return `${scope === "below" ? "*." : ""}${name}${port === tlsPort ? "" : `:${port}`}`;
}

/** A host name in lower case, the last part of which begins with a letter: so never an address, in no spelling. */
export function isHostName(text: string): boolean {
  const labels = text.split(".");
  return (
    text.length <= 253 &&
    labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label)) &&
    /^[a-z]/.test(labels.at(-1) ?? "")
  );
}

/** The port of a rule that names none. */
const tlsPort = 443;
