/** Keeps the page as high as what can be seen of it: an on-screen keyboard covers what would be below. */
export function keepVisibleHeight(root: HTMLElement): void {
  const seen = window.visualViewport;
  if (!seen) return;
  const adapt = () => {
    // Pinching in makes the seen part small too; then the page must stay as it is.
    const isCovered = seen.scale === 1 && seen.height < innerHeight - 1;
    root.style.setProperty("--visible-h", isCovered ? `${seen.height}px` : "100dvh");
  };
  seen.addEventListener("resize", adapt);
  adapt();
}
