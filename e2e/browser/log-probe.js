// What tests of the log do inside the page.
window.logProbe = {
  /** Every row of the log from top to bottom, by scrolling through it: its item, and what is drawn of it. */
  async readRows(box) {
    const rows = new Map();
    for (let top = 0; ; top += box.clientHeight / 2) {
      box.scrollTop = top;
      for (let frames = 0; frames < 4; frames++) await new Promise(requestAnimationFrame);
      for (const row of box.querySelectorAll("[data-row]")) {
        rows.set(Number(row.dataset.row), `${row.dataset.item} ${row.className} ${row.innerHTML}`);
      }
      if (top + box.clientHeight >= box.scrollHeight) break;
    }
    return [...rows].sort(([one], [other]) => one - other).map(([, row]) => row);
  },
  selectAllOf: (box) => getSelection().selectAllChildren(box),
  hasFocus: (box) => document.activeElement === box,
  /** Tries again at once whenever a stream breaks, as when the browser comes online. */
  keepOnline: () => void setInterval(() => dispatchEvent(new Event("online")), 50),
  readClipboard: () => navigator.clipboard.readText(),
  clearClipboard: () => navigator.clipboard.writeText(""),
};
