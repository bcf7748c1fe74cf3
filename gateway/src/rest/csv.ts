/** A value of a table. */
export type Cell = string | number | bigint | boolean;

/** A table as CSV (RFC 4180) with its header row. */
export function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(encodeCell).join(",")}\r\n`).join("");
}

/** Spreadsheets take text that begins like a formula for one, unless an apostrophe stands before it. */
function encodeCell(cell: Cell): string {
  const text = typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
