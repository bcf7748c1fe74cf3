import { defineConfig } from "vite";

/** Builds the page into dist/, which the gateway serves; nothing is inlined, so a strict content policy holds. */
export default defineConfig({
  root: import.meta.dirname,
  resolve: {
    alias: {
      "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js": `${import.meta.dirname}/src/without-rules.ts`,
    },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // As modules, so that a worker loads its rarely needed parts when it needs them.
  worker: { format: "es" },
  build: {
    target: "es2023",
    // The first with light-dark(), which must reach the browser as it is: a part of the page can then stay dark.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
