import { createHash, generateKeyPairSync, sign } from "node:crypto";

/** A key and the certificate that says it belongs to some hosts, both PEM; the certificate is its own authority. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Make an identity for these host names, valid for an hour around now. */
export function makeIdentity(hosts: readonly [string, ...string[]]): Identity {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = sequence(set(sequence(objectId(commonName), der(0x0c, Buffer.from(hosts[0])))));
  const now = Date.now();
  const keyInfo = publicKey.export({ type: "spki", format: "der" });
  const serialNumber = createHash("sha256").update(keyInfo).digest().subarray(0, 16).fill(1, 0, 1);
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, serialNumber),
    sequence(objectId(ecdsaWithSha256)),
    name,
    sequence(time(now - hourMs), time(now + hourMs)),
    name,
    keyInfo,
    der(0xa3, sequence(authority(), alternativeNames(hosts))),
  );
  const signature = sign("sha256", signed, privateKey);
  const certificate = sequence(signed, sequence(objectId(ecdsaWithSha256)), bits(signature));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n"),
  };
}

const hourMs = 3_600_000;
const commonName = [0x55, 4, 3];
const basicConstraints = [0x55, 29, 19];
const subjectAltName = [0x55, 29, 17];
const ecdsaWithSha256 = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

function authority(): Buffer {
  const isAuthority = der(0x01, Buffer.from([0xff]));
  return sequence(objectId(basicConstraints), isAuthority, der(0x04, sequence(isAuthority)));
}

function alternativeNames(hosts: readonly string[]): Buffer {
  return sequence(objectId(subjectAltName), der(0x04, sequence(...hosts.map((host) => der(0x82, Buffer.from(host))))));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function set(part: Buffer): Buffer {
  return der(0x31, part);
}

function objectId(bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function bits(content: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([0]), content]));
}

function time(ms: number): Buffer {
  const text = new Date(ms)
    .toISOString()
    .slice(2)
    .replace(/[-:T]|\.\d+/g, "");
  return der(0x17, Buffer.from(text));
}

/** One value in the distinguished encoding of ASN.1. */
function der(tag: number, content: Buffer): Buffer {
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
