/** What the first bytes of a TLS client say. */
export type ClientHello =
  /** More bytes are needed to tell. */
  | { readonly kind: "partial" }
  /** The name that it asks for, in lower case; undefined when it asks for none. */
  | { readonly kind: "hello"; readonly serverName: string | undefined }
  | { readonly kind: "malformed" };

/** Reads the server name out of a ClientHello (RFC 8446 §4.1.2, RFC 6066 §3), which may be spread over records. */
export function parseClientHello(bytes: Buffer): ClientHello {
  const handshake: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== handshakeRecord || (at + 1 < bytes.length && bytes[at + 1] !== 3)) return malformed;
    if (at + 5 > bytes.length) return partial;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > maxRecordBytes) return malformed;
    handshake.push(bytes.subarray(at + 5, at + 5 + length));
    at += 5 + length;
    const message = Buffer.concat(handshake);
    if (message.length > 0 && message[0] !== clientHelloMessage) return malformed;
    if (message.length < 4) continue;
    const end = 4 + message.readUIntBE(1, 3);
    if (end > maxHelloBytes) return malformed;
    if (message.length >= end) return readHello(message.subarray(4, end));
  }
  return partial;
}

/** More than any client sends. */
export const maxHelloBytes = 64 * 1024;

const handshakeRecord = 22;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const hostNameType = 0;
const maxRecordBytes = 16 * 1024;
const partial: ClientHello = { kind: "partial" };
const malformed: ClientHello = { kind: "malformed" };

function readHello(body: Buffer): ClientHello {
  try {
    const hello = new Fields(body);
    hello.take(2 + 32); // version, random
    hello.prefixed(1); // session
    hello.prefixed(2); // cipher suites
    hello.prefixed(1); // compression methods
    return { kind: "hello", serverName: hello.isEmpty ? undefined : serverNameOf(hello.fields(2)) };
  } catch (error) {
    if (error instanceof RangeError) return malformed;
    throw error;
  }
}

function serverNameOf(extensions: Fields): string | undefined {
  const names: string[] = [];
  while (!extensions.isEmpty) {
    const type = extensions.number(2);
    const content = extensions.fields(2);
    if (type !== serverNameExtension) continue;
    const list = content.fields(2);
    while (!list.isEmpty) {
      if (list.number(1) !== hostNameType) throw new RangeError("no host name");
      names.push(list.prefixed(2).toString("latin1").toLowerCase());
    }
  }
  if (names.length > 1) throw new RangeError("several names");
  return names[0];
}

/** Takes bytes apart from their beginning; a RangeError when there are not so many. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(count: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + count);
    if (taken.length < count) throw new RangeError("too short");
    this.#at += count;
    return taken;
  }

  number(size: 1 | 2): number {
    return this.take(size).readUIntBE(0, size);
  }

  /** Bytes behind their length, which has this size. */
  prefixed(size: 1 | 2): Buffer {
    return this.take(this.number(size));
  }

  fields(size: 1 | 2): Fields {
    return new Fields(this.prefixed(size));
  }
}
