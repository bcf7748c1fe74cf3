// Notes for how long the first card's primary button did nothing after it appeared.
let seenAt;
const watch = new MutationObserver(() => {
  const button = document.querySelector(".ask .primary");
  if (!button) return;
  seenAt ??= performance.now();
  if (button.disabled) return;
  window.inertMs = performance.now() - seenAt;
  watch.disconnect();
});
watch.observe(document, { subtree: true, childList: true, attributes: true });
