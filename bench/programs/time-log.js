// Notes inside the page when a log's rows appear, and how long tasks take while it is scrolled.
const rows = { firstMs: 0, allMs: 0 };
const longTasks = [];
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) longTasks.push(task);
}).observe({ type: "longtask" });
new MutationObserver(() => {
  if (rows.firstMs === 0 && document.querySelector(".log-row .log-text")) rows.firstMs = performance.now();
  const state = document.querySelector(".log-state")?.textContent ?? "";
  if (rows.allMs === 0 && /^[\d,]+ lines$/.test(state)) rows.allMs = performance.now();
}).observe(document, { subtree: true, childList: true, characterData: true });

window.logTimes = {
  /** Since the first bytes of the log's stream or of its end came. */
  untilLoaded() {
    const streams = performance.getEntriesByType("resource").filter(({ name }) => /\/(WatchJob|ReadLog)$/.test(name));
    const firstBytesMs = Math.min(...streams.map(({ responseStart }) => responseStart).filter((ms) => ms > 0));
    return { firstRowsMs: rows.firstMs - firstBytesMs, allLinesMs: rows.allMs - firstBytesMs };
  },
  /** The longest task of 300 frames, each of which goes on by half a view and every tenth to somewhere else. */
  async scrollThrough() {
    const box = document.querySelector(".log-box");
    const beginMs = performance.now();
    for (let frame = 0; frame < 300; frame++) {
      box.scrollTop = frame % 10 === 0 ? (box.scrollHeight * ((frame * 7) % 300)) / 300 : box.scrollTop + 250;
      await new Promise(requestAnimationFrame);
    }
    const scrolling = longTasks.filter(({ startTime }) => startTime >= beginMs);
    return Math.max(0, ...scrolling.map(({ duration }) => duration));
  },
};
