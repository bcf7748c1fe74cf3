import { posix } from "node:path";

/** Folders that never import one another, and what they share. Tests may also import what is neither. */
const products = ["gateway", "runner", "web-client", "cli"];
const shared = ["protocol", "gen"];

/**
 * Inside a product, what stands left of an arrow imports what stands right of it; a `|` separates parts that never
 * import each other. A part is a folder or file of src/. Everyone may import one that is not listed here, and it imports
 * nothing that is.
 */
const arrows = `
gateway     worker → rest, auth → job | fleet
runner      main → server → runner-service → job → spool
runner      main → supervisor → workspace | executor | sandbox | model-proxy | spool → process
web-client  main → app → jobs, job, log, asks, diff, fleet, usage → transport, ui
`;

/** The files that read the settings with the parsers of every part; every part in turn reads its settings there. */
const settings = ["env", "config"];

/** The imports that go the wrong way, as lines to show, given each source file's text by its path from the root. */
export function findWrongImports(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources].flatMap(([path, text]) =>
    relativeImports(text)
      .filter((specifier) => !mayImport(path, posix.join(posix.dirname(path), specifier)))
      .map((specifier) => `${path} must not import ${specifier}`),
  );
}

function relativeImports(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map(([, specifier = ""]) => specifier);
}

function mayImport(from: string, to: string): boolean {
  const [home = ""] = from.split("/");
  const [target = ""] = to.split("/");
  const isTest = /\.test\.tsx?$/.test(from);
  if (home !== target) return shared.includes(target) || (isTest && !products.includes(target));
  return isTest || settings.includes(partOf(from)) || pointsRight(edgesOf(home), partOf(from), partOf(to));
}

/** `job` of runner/src/job/slots.ts, `main` of runner/src/main.ts. */
function partOf(path: string): string {
  const [, , part = ""] = path.split("/");
  return part.replace(/\.tsx?$/, "");
}

type Edge = readonly [from: string, to: string];

function pointsRight(edges: readonly Edge[], from: string, to: string): boolean {
  const reached = new Set([from]);
  for (const part of reached) for (const [left, right] of edges) if (left === part) reached.add(right);
  const isListed = edges.some((edge) => edge.includes(to));
  return reached.has(to) || !isListed;
}

function edgesOf(product: string): readonly Edge[] {
  return arrows
    .split("\n")
    .filter((line) => line.startsWith(`${product} `))
    .map((line) => line.slice(product.length).split("→"))
    .flatMap((layers) => layers.flatMap((layer, at) => [...across(layer, layers[at + 1] ?? ""), ...within(layer)]));
}

function across(left: string, right: string): readonly Edge[] {
  return parts(left).flatMap((from) => parts(right).map((to) => [from, to] as const));
}

function within(layer: string): readonly Edge[] {
  return layer.includes(",") ? across(layer, layer) : [];
}

function parts(layer: string): readonly string[] {
  return layer
    .split(/[,|]/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
