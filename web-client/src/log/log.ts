import { oncePerFrame } from "../ui/next-frame.ts";
import type { FarLog, LineRange } from "./far-log.ts";
import type { CopyFormat, Found, Frame, FromWorker, LogEntry, Look, Target, ToWorker } from "./log-messages.ts";
import type { LogQuery } from "./log-query.ts";
import type { LogSink } from "./log-sink.ts";
import { startLogThread } from "./log-thread.ts";
import { packEntries } from "./pack-entries.ts";

/** The log of one job. Its text is in a worker; the page holds what it shows. */
export interface Log {
  readonly sink: LogSink;
  readonly openView: (onFrame: (frame: Frame) => void) => LogPort;
  /** Says how many lines the gateway has. */
  readonly expect: (lines: number) => void;
  /** Shows the end of a long log before the stream has come there. */
  readonly showTail: (lines: number) => Promise<void>;
  readonly close: () => void;
}

/** One view's way to the worker. */
export interface LogPort {
  readonly look: (look: Omit<Look, "view">) => void;
  readonly goTo: (target: Target) => Promise<Found | undefined>;
  readonly readText: (range: LineRange, format: CopyFormat) => Promise<string>;
  readonly fold: (head: number, isFolded: boolean) => void;
  /** Folds every group, or unfolds them when all are folded. */
  readonly foldAll: () => void;
  readonly search: (query: LogQuery | undefined) => void;
  readonly filter: (isOn: boolean) => void;
  readonly close: () => void;
}

/** Entries are sent once a frame, and sooner when this many bytes wait. */
const promptBytes = 256 * 1024;
const retryMs = 2_000;

/** Opens an empty log. Its worker starts at once, to be there when the first bytes are. */
export function createLog(far: FarLog): Log {
  const views = new Map<number, (frame: Frame) => void>();
  const calls = new Map<number, (answer: Found | string | undefined) => void>();
  let entries: LogEntry[] = [];
  let waitingBytes = 0;
  let lastId = 0;
  let isClosed = false;

  const post = (message: ToWorker, transfer: readonly Transferable[] = []) => {
    if (!isClosed) thread.post(message, transfer);
  };
  const flush = () => {
    if (entries.length === 0) return;
    const packed = packEntries(entries);
    entries = [];
    waitingBytes = 0;
    post({ kind: "entries", entries: packed.entries }, [packed.buffer]);
  };
  const flushSoon = oncePerFrame(flush);
  const call = (ask: (call: number) => ToWorker) =>
    new Promise<Found | string | undefined>((resolve) => {
      flush();
      calls.set(++lastId, resolve);
      post(ask(lastId));
    });

  function hear(message: FromWorker): void {
    switch (message.kind) {
      case "frame":
        views.get(message.view)?.(message);
        break;
      case "found":
        settle(message.call, message.found);
        break;
      case "textRead":
        settle(message.call, message.text);
        break;
      case "needLines":
        void sendLines(message);
        break;
      case "needMatches":
        void sendMatches(message);
        break;
      default:
        message satisfies never;
    }
  }

  function settle(id: number, answer: Found | string | undefined): void {
    calls.get(id)?.(answer);
    calls.delete(id);
  }

  async function sendLines({ from, to }: LineRange): Promise<void> {
    try {
      const lines = await far.readLines({ from, to });
      post({ kind: "lines", from, to, lines });
    } catch {
      // The rows stay empty; an empty answer after a while lets the worker ask again.
      setTimeout(() => post({ kind: "lines", from, to: from - 1, lines: [] }), retryMs);
    }
  }

  async function sendMatches({ call: id, query, from, to }: Extract<FromWorker, { kind: "needMatches" }>) {
    try {
      post({ kind: "farMatches", call: id, numbers: await far.findLines(query, { from, to }), failure: "" });
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      post({ kind: "farMatches", call: id, numbers: [], failure });
    }
  }

  const thread = startLogThread(hear);
  return {
    sink: {
      write: (entry) => {
        entries.push(entry);
        if (entry.kind === "chunk") waitingBytes += entry.data.length;
        if (waitingBytes > promptBytes) flush();
        else flushSoon();
      },
    },
    openView: (onFrame) => {
      const view = ++lastId;
      views.set(view, onFrame);
      return {
        look: (look) => post({ kind: "look", view, ...look }),
        goTo: async (target) => {
          const found = await call((id) => ({ kind: "goTo", call: id, view, target }));
          return typeof found === "object" ? found : undefined;
        },
        readText: async ({ from, to }, format) => {
          const text = await call((id) => ({ kind: "text", call: id, from, to, format }));
          return typeof text === "string" ? text : "";
        },
        fold: (head, isFolded) => post({ kind: "fold", head, isFolded }),
        foldAll: () => post({ kind: "foldAll", view }),
        search: (query) => post({ kind: "search", view, query }),
        filter: (isOn) => post({ kind: "filter", view, isOn }),
        close: () => {
          views.delete(view);
          post({ kind: "close", view });
        },
      };
    },
    expect: (lines) => post({ kind: "total", lines }),
    showTail: async (count) => {
      const { lines, totalLines } = await far.readTail(count);
      const [from, to] = [lines.at(0)?.number ?? 1, lines.at(-1)?.number ?? 0];
      post({ kind: "total", lines: totalLines });
      post({ kind: "lines", from, to, lines });
    },
    close: () => {
      isClosed = true;
      thread.close();
    },
  };
}
