import { defineConfig } from "vite";

/** Builds the page into dist/, which the gateway serves; nothing is inlined, so a strict content policy holds. */
export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
