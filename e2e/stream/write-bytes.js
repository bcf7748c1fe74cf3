// Writes argv[2] MiB to stdout in blocks of 64 KiB, each a different one of lines of 120 bytes.
const blocks = Number(process.argv[2]) * 16;
const text = Buffer.alloc(65536 + 97, "abcdefghijklmnopqrstuvwxyz0123456789".repeat(4).slice(0, 119).concat("\n"));
let written = 0;
function write() {
  while (written < blocks) {
    const start = written % 97;
    written += 1;
    if (!process.stdout.write(text.subarray(start, start + 65536))) return process.stdout.once("drain", write);
  }
}
write();
