import { BlockList, isIPv4, isIPv6, SocketAddress } from "node:net";

/** Addresses that begin alike. */
export interface AddressRange {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

/** What decides over addresses besides their kind. */
export interface AddressRuleOptions {
  /** Private addresses that the operator lets jobs reach nonetheless. */
  readonly exempt: readonly AddressRange[];
  /** What this machine has. Asked each time: addresses come and go. */
  readonly ownAddresses: () => readonly string[];
}

/** Which of the addresses that a name leads to may be connected to: those of the internet, and those that are exempt. */
export class AddressRules {
  readonly #exempt: BlockList;
  readonly #ownAddresses: () => readonly string[];

  constructor({ exempt, ownAddresses }: AddressRuleOptions) {
    this.#exempt = blockList(exempt);
    this.#ownAddresses = ownAddresses;
  }

  /** Says whether a connection may go there. */
  allow(address: string): boolean {
    const plain = unwrap(address);
    if (plain === undefined) return false;
    const family = isIPv4(plain) ? "ipv4" : "ipv6";
    if (metadata.check(plain, family)) return false;
    if (this.#exempt.check(plain, family)) return true;
    if (this.#ownAddresses().some((own) => unwrap(own) === plain)) return false;
    return family === "ipv4"
      ? !specialIpv4.check(plain)
      : globalIpv6.check(plain, family) && !specialIpv6.check(plain, family);
  }
}

/** Parses "10.0.0.0/8", "fd00::/8" or a single address; undefined when it is none of these. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = "", bitsText] = /^([0-9a-f:.]+)(?:\/([0-9]{1,3}))?$/i.exec(text) ?? [];
  const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
  if (family === undefined) return undefined;
  const all = family === "ipv4" ? 32 : 128;
  const bits = bitsText === undefined ? all : Number(bitsText);
  return bits <= all ? { address, bits, family } : undefined;
}

/**
 * The address in its one spelling. An IPv4 address inside an IPv6 one becomes itself when the other end of the connection
 * is: mapped addresses, and those of NAT64, by which hosts without IPv4 reach all that have nothing else.
 */
function unwrap(address: string): string | undefined {
  if (isIPv4(address)) return address;
  if (!isIPv6(address) || address.includes("%")) return undefined;
  const groups = toGroups(address);
  const inner = groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]);
  const prefix = groups.slice(0, 6).join(":");
  return prefix === mappedPrefix || prefix === nat64Prefix
    ? inner.join(".")
    : new SocketAddress({ address, family: "ipv6" }).address;
}

/** The eight numbers of an IPv6 address. */
function toGroups(address: string): readonly number[] {
  const hexadecimal = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [front = [], back = []] = hexadecimal
    .split("::")
    .map((part) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16))));
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}

const mappedPrefix = [0, 0, 0, 0, 0, 0xffff].join(":");
const nat64Prefix = [0x64, 0xff9b, 0, 0, 0, 0].join(":");

/** Where clouds hand out credentials: nobody can allow that. */
const metadata = blockList(
  ranges(
    "169.254.0.0/16", // AWS, Azure, Google Cloud, and most others
    "100.100.100.200", // Alibaba Cloud
    "168.63.129.16", // Azure's host
    "192.0.0.192", // Oracle Cloud
    "fd00:ec2::/32", // AWS
    "fd20:ce::254", // Google Cloud
  ),
);

/** What IANA's registry of special addresses says is not global, and multicast. */
const specialIpv4 = blockList(
  ranges(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
  ),
);
const globalIpv6 = blockList(ranges("2000::/3"));
/** Of those Teredo, documentation and 6to4, which hides an IPv4 address. */
const specialIpv6 = blockList(ranges("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"));

function ranges(...texts: readonly string[]): readonly AddressRange[] {
  return texts.map(parseAddressRange).filter((range) => range !== undefined);
}

function blockList(listed: readonly AddressRange[]): BlockList {
  const list = new BlockList();
  for (const { address, bits, family } of listed) list.addSubnet(address, bits, family);
  return list;
}
