import { isIP } from "node:net";
import { isHostName } from "./host-rule.ts";

/** Where a connection is to go. */
export interface Target {
  /** A host name in lower case, never an address. */
  readonly host: string;
  readonly port: number;
}

/** What a job asked for, taken apart. */
export type ParsedTarget =
  | { readonly kind: "target"; readonly target: Target }
  /** What it named as far as that can be told, and what is wrong with it. */
  | { readonly kind: "malformed"; readonly host: string; readonly port: number; readonly problem: string };

/** Parses what a CONNECT names, "host:port"; or what a Host header does, where the port may be left out. */
export function parseAuthority(text: string, defaultPort?: number): ParsedTarget {
  const [, named = text, portText] = /^(.*?)(?::([0-9]+))?$/s.exec(text) ?? [];
  const port = portText === undefined ? (defaultPort ?? 0) : Number(portText);
  const host = named.toLowerCase();
  const malformed = (problem: string): ParsedTarget => ({ kind: "malformed", host: named, port, problem });
  if (isAddress(host)) return malformed("it is an address; hosts are reached by name");
  if (!isHostName(host)) return malformed("it is no host name");
  if (portText !== undefined && !/^[1-9][0-9]{0,4}$/.test(portText)) return malformed("its port is no port");
  if (port < 1 || port > 65_535) return malformed("its port is no port");
  return { kind: "target", target: { host, port } };
}

/** An address in any spelling that some program takes for one: brackets, numbers, hexadecimal, parts left out. */
function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/s, "$1")) !== 0 || /^[\d.]+$|^(0x[\da-f]*|\d+)(\.(0x[\da-f]*|\d+))*$/.test(host);
}
