import { BareText, escapeByte, type Span } from "./control-sequences.ts";
import { NeedleSearch } from "./needle-search.ts";
import { minSecretBytes, secretForms } from "./secret-forms.ts";

/**
 * Hides secrets: each byte of one, in whatever form, becomes an asterisk. Lengths stay as they are, and line ends too, so
 * offsets, line numbers and encoded lengths are true whether or not something was hidden.
 */
export class Redaction {
  readonly #secrets = new Set<string>();
  /** Undefined while there is nothing to hide. */
  #search: NeedleSearch | undefined;

  /** Secrets shorter than six bytes are not hidden. */
  constructor(secrets: Iterable<string>) {
    this.hide(secrets);
  }

  /** Hides more from now on, also in the streams that are open. */
  hide(secrets: Iterable<string>): void {
    const before = this.#secrets.size;
    for (const secret of secrets) this.#secrets.add(secret);
    if (this.#secrets.size === before) return;
    const forms = [...this.#secrets].flatMap(secretForms);
    this.#search = forms.length === 0 ? undefined : new NeedleSearch(forms);
  }

  /** A stream of its own, whose chunks may divide secrets anywhere. */
  openStream(): RedactedStream {
    return new RedactedStream((bytes) => this.#look(bytes));
  }

  /** A text that is whole, or was cut: half a secret at its end is hidden as well. */
  text(text: string): string {
    const bytes = Buffer.from(text);
    const hidden = this.bytes(bytes);
    return hidden === bytes ? text : Buffer.from(hidden).toString();
  }

  /** As `text`. The same bytes when there is nothing to hide; else others. */
  bytes(bytes: Uint8Array): Uint8Array {
    const { secrets, openFrom } = this.#look(bytes);
    const cut = bytes.length - openFrom >= minSecretBytes ? [{ start: openFrom, end: bytes.length }] : [];
    return cover(bytes, [...secrets, ...cut]);
  }

  #look(bytes: Uint8Array): Findings {
    const search = this.#search;
    if (search === undefined) return { secrets: [], openFrom: bytes.length };
    const secrets: Span[] = [];
    search.find(bytes, (start, end) => secrets.push({ start, end }));
    const openFrom = search.openEnd(bytes);
    if (!bytes.includes(escapeByte)) return { secrets, openFrom };
    const bare = new BareText(bytes);
    search.find(bare.bytes, (start, end) => secrets.push(...bare.spans({ start, end })));
    const bareOpenFrom = bare.place(search.openEnd(bare.bytes));
    // Without a bound, a letter and sequences without end would be kept.
    const isTooMuch = bytes.length - bareOpenFrom > search.longest + maxSequenceBytes;
    return { secrets, openFrom: isTooMuch ? openFrom : Math.min(openFrom, bareOpenFrom) };
  }
}

/** One stream of bytes. It keeps back its end while that may be the beginning of a secret. */
export class RedactedStream {
  readonly #look: (bytes: Uint8Array) => Findings;
  #kept: Uint8Array = new Uint8Array(0);
  /** Parts of what is kept that belong to secrets which began before it. */
  #secrets: readonly Span[] = [];

  constructor(look: (bytes: Uint8Array) => Findings) {
    this.#look = look;
  }

  /** What can go on, of these bytes and those kept before; a view of them when nothing is hidden. */
  push(data: Uint8Array): Uint8Array {
    const bytes = this.#kept.length === 0 ? data : Buffer.concat([this.#kept, data]);
    const { secrets, openFrom } = this.#look(bytes);
    return this.#release(bytes, [...this.#secrets, ...secrets], openFrom);
  }

  /** What was kept back, as no more bytes come, or none for now. */
  end(): Uint8Array {
    const bytes = this.#kept;
    const { secrets } = this.#look(bytes);
    return this.#release(bytes, [...this.#secrets, ...secrets], bytes.length);
  }

  #release(bytes: Uint8Array, secrets: readonly Span[], end: number): Uint8Array {
    this.#kept = new Uint8Array(bytes.subarray(end));
    this.#secrets = secrets
      .filter((span) => span.end > end)
      .map((span) => ({ start: Math.max(0, span.start - end), end: span.end - end }));
    return cover(bytes.subarray(0, end), secrets);
  }
}

/** What is in some bytes. */
interface Findings {
  readonly secrets: readonly Span[];
  /** Where the end of them begins that may turn out to be a secret; their length when there is none. */
  readonly openFrom: number;
}

const maxSequenceBytes = 64 * 1024;

function cover(bytes: Uint8Array, secrets: readonly Span[]): Uint8Array {
  if (secrets.length === 0) return bytes;
  const covered = new Uint8Array(bytes);
  for (const { start, end } of secrets) {
    for (let at = start; at < Math.min(end, covered.length); at += 1) {
      if (covered[at] !== lineFeed && covered[at] !== carriageReturn) covered[at] = asterisk;
    }
  }
  return covered;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const asterisk = 0x2a;
