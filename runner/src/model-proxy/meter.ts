import { JsonFields, parseJson } from "./json-fields.ts";
import { addUsage, type MessageReport, readMessage } from "./message-report.ts";

/** Reads what the API reports of a message from an answer that passes by. What it cannot read it leaves out. */
export interface Meter {
  take(bytes: Uint8Array): void;
  /** What was reported so far; undefined before anything was. */
  read(): MessageReport | undefined;
}

/** A meter for an answer of this content type. */
export function meterFor(contentType: string): Meter {
  return contentType.startsWith("text/event-stream") ? new StreamMeter() : new BodyMeter();
}

/** Of a stream only the two kinds of events are parsed that report usage. */
class StreamMeter implements Meter {
  #report: MessageReport | undefined;
  /** The beginning of a line whose end has not come. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  take(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      this.#line(this.#joined(chunk.subarray(start, end)));
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  read(): MessageReport | undefined {
    return this.#report;
  }

  #joined(end: Buffer): Buffer {
    if (this.#restBytes === 0) return end;
    const line = this.#restBytes > maxLineBytes ? Buffer.alloc(0) : Buffer.concat([...this.#rest, end]);
    this.#rest = [];
    this.#restBytes = 0;
    return line;
  }

  /** Of a line that grows too long nothing is kept but that it did. */
  #keep(piece: Buffer): void {
    this.#restBytes += piece.length;
    if (this.#restBytes > maxLineBytes) this.#rest = [];
    else if (piece.length > 0) this.#rest.push(piece);
  }

  #line(line: Buffer): void {
    if (!line.subarray(0, dataField.length).equals(dataField)) return;
    if (!line.includes('"message_start"') && !line.includes('"message_delta"')) return;
    const event = new JsonFields(parseJson(line.toString("utf8", dataField.length)));
    switch (event.text("type")) {
      case "message_start":
        this.#report = readMessage(event.object("message"));
        break;
      case "message_delta":
        if (this.#report) this.#report = addUsage(this.#report, event.object("usage"));
        break;
    }
  }
}

const newline = 0x0a;
const dataField = Buffer.from("data:");
/** More than an event that reports usage takes. */
const maxLineBytes = 1 << 20;

class BodyMeter implements Meter {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  take(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    if (this.#bytes <= maxBodyBytes) this.#chunks.push(bytes);
    else this.#chunks.length = 0;
  }

  read(): MessageReport | undefined {
    const message = new JsonFields(parseJson(Buffer.concat(this.#chunks).toString()));
    return message.text("type") === "message" ? readMessage(message) : undefined;
  }
}

const maxBodyBytes = 32 << 20;
