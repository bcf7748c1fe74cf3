import { randomBytes } from "node:crypto";
import { type RedactedStream, Redaction } from "../../runner/src/spool/redact.ts";
import type { Figure, Row } from "../figure.ts";
import { alternate, spread, values } from "../measure.ts";

/** How fast one core looks for secrets in output. */
export const redaction: Figure = {
  id: "R1",
  title: "Output looked through for 20 secrets in all their forms, by one core",
  async measure({ rounds, scale }) {
    const secrets = Array.from({ length: 20 }, () => randomBytes(30).toString("base64"));
    const bytes = 512 * 2 ** 20 * scale;
    const measure = (output: Buffer) => async () => rateOf(new Redaction(secrets).openStream(), output, bytes);
    const outputs = {
      "log lines": measure(logLines(["", "", ""])),
      "coloured log lines": measure(logLines(["\u001b[2m", "\u001b[0;32m", "\u001b[0m"])),
      "base64 noise": measure(Buffer.from(randomBytes(6 << 20).toString("base64"))),
    };
    const runs = await alternate<number>(rounds, outputs);
    return Object.keys(outputs).map((name) =>
      describe(
        name,
        values(runs, name, (rate) => rate),
      ),
    );
  },
};

const goalRate = 200;

function describe(name: string, rates: readonly number[]): Row {
  const value = spread(rates);
  const goal = { text: `≥ ${goalRate}`, met: value.median >= goalRate };
  return { what: `rate, ${name}`, unit: "MB/s", value, goal };
}

/** MB for each second of CPU. */
function rateOf(stream: RedactedStream, output: Buffer, bytes: number): number {
  const before = process.cpuUsage();
  for (let done = 0; done < bytes; done += chunkBytes) {
    const at = done % output.length;
    stream.push(output.subarray(at, at + chunkBytes));
  }
  const { user, system } = process.cpuUsage(before);
  return bytes / (user + system);
}

/** As a read of a pipe returns. */
const chunkBytes = 64 * 1024;

/** 8 MiB of lines such as a server writes, no two alike. */
function logLines([dim, green, plain]: readonly [string, string, string]): Buffer {
  const lines: string[] = [];
  for (let bytes = 0, count = 0; bytes < 8 << 20; count += 1) {
    const time = new Date(1_795_000_000_000 + count * 37).toISOString();
    const request = `GET /api/v1/items/${(count * 7919) % 1_000_003}?page=${count % 40}`;
    const line = `${dim}${time}${plain} ${green}info${plain} [worker-${count % 8}] ${request} 200 ${count % 300} ms\n`;
    lines.push(line);
    bytes += line.length;
  }
  return Buffer.from(lines.join("")).subarray(0, 8 << 20);
}
