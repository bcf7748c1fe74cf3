import { expect, test } from "vitest";
import { AddressRules, parseAddressRange } from "./address-rules.ts";

function rules({ exempt = [], own = [] }: { exempt?: readonly string[]; own?: readonly string[] } = {}): AddressRules {
  return new AddressRules({
    exempt: exempt.map(parseAddressRange).filter((range) => range !== undefined),
    ownAddresses: () => own,
  });
}

test.each(["1.1.1.1", "8.8.8.8", "140.82.121.4", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])(
  "%s is an address of the internet",
  (address) => {
    expect(rules().allow(address)).toBe(true);
  },
);

test.each([
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "100.100.100.200",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.0.2.1",
  "192.168.1.1",
  "198.18.0.1",
  "203.0.113.9",
  "224.0.0.1",
  "239.255.255.250",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::127.0.0.1",
  "::ffff:127.0.0.1",
  "::ffff:7f00:1",
  "::FFFF:169.254.169.254",
  "::ffff:0:127.0.0.1",
  "64:ff9b::7f00:1",
  "64:ff9b::127.0.0.1",
  "64:ff9b::a9fe:a9fe",
  "64:ff9b:1::808:808",
  "2001::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "2002:808:808::1",
  "3fff::1",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%lo",
  "2606:4700::1%lo",
  "fec0::1",
  "ff02::1",
  "no address",
  "",
])("%s is none", (address) => {
  expect(rules().allow(address)).toBe(false);
});

test("what the operator exempts may be reached in every spelling, and nothing beside it", () => {
  const some = rules({ exempt: ["10.1.0.0/16", "fd12::/16", "127.0.0.1"] });
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "fd12::9", "127.0.0.1"]) expect(some.allow(address)).toBe(true);
  for (const address of ["10.2.0.1", "fd13::1", "127.0.0.2", "::1"]) expect(some.allow(address)).toBe(false);
});

test("nobody can exempt where a cloud hands out credentials", () => {
  const all = rules({ exempt: ["0.0.0.0/0", "::/0"] });
  expect(all.allow("10.0.0.1")).toBe(true);
  for (const address of [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "169.254.170.2",
    "fd00:ec2::254",
    "fd20:ce::254",
  ]) {
    expect(all.allow(address)).toBe(false);
  }
});

test("this machine's own public addresses are refused, unless they are exempt", () => {
  const own = ["198.41.0.4", "2606:4700::7"];
  expect(rules({ own }).allow("198.41.0.4")).toBe(false);
  expect(rules({ own }).allow("::ffff:198.41.0.4")).toBe(false);
  expect(rules({ own }).allow("2606:4700:0:0::7")).toBe(false);
  expect(rules({ own }).allow("198.41.0.5")).toBe(true);
  expect(rules({ own, exempt: ["198.41.0.4"] }).allow("198.41.0.4")).toBe(true);
});

test.each(["10.0.0.0/33", "::/129", "10.0.0/8", "example.com", "10.0.0.0/", "fe80::1%lo", ""])(
  "%j is no range",
  (text) => {
    expect(parseAddressRange(text)).toBeUndefined();
  },
);
