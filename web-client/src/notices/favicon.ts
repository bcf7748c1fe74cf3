import { effect, type ReadonlySignal } from "@preact/signals";

/** What the icon of the tab shows at a glance, the most pressing first. */
export type FaviconState = "needs-you" | "failed" | "running" | "calm";

const dots: Record<FaviconState, string> = {
  "needs-you": "#C79BFF",
  failed: "#FF7B72",
  running: "#5AA9FF",
  calm: "",
};

/** Keeps the icon of the tab: the sign of the product, with a dot while something goes on. */
export function keepFavicon(state: ReadonlySignal<FaviconState>): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  effect(() => {
    const dot = dots[state.value];
    if (link) link.href = dot ? `data:image/svg+xml,${encodeURIComponent(icon(dot))}` : "/favicon.svg";
  });
}

function icon(dot: string): string {
  return [
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0B0D10"/>',
    '<path d="M16 4 28 16 16 28 4 16Z" fill="none" stroke="#E3B341" stroke-width="2.5"/>',
    '<path d="M16 10 22 16 16 22 10 16Z" fill="#FF7A3D"/>',
    `<circle cx="24" cy="24" r="7" fill="${dot}" stroke="#0B0D10" stroke-width="2"/></svg>`,
  ].join("");
}
