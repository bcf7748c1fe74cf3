import { defineConfig, type Rolldown } from "vite";
import { stripRules } from "./strip-rules.ts";

type Context = Pick<Rolldown.PluginContext, "getModuleInfo">;

const initial = new Map<string, boolean>();

/** True for a module that the entry imports, itself or through others, without waiting for anything. */
function isInitial(id: string, context: Context): boolean {
  const known = initial.get(id);
  if (known !== undefined) return known;
  // Stands while its importers are looked at, so that a cycle ends.
  initial.set(id, false);
  const info = context.getModuleInfo(id);
  const found = info?.isEntry === true || (info?.importers.some((importer) => isInitial(importer, context)) ?? false);
  initial.set(id, found);
  return found;
}

/** Builds the page into dist/, which the gateway serves; nothing is inlined, so a strict content policy holds. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [stripRules()],
  resolve: {
    alias: {
      "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js": `${import.meta.dirname}/src/without-rules.ts`,
    },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    // The first with light-dark(), which must reach the browser as it is: a part of the page can then stay dark.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // What the page starts with is one file: it packs better than thirty, and is one request.
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [{ name: (id, context) => (isInitial(id, context) ? "page" : null) }],
        },
      },
    },
  },
});
