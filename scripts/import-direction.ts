import { posix } from "node:path";

/** Folders that never import one another, and what they share. Tests and their `testing` folders may also import what is neither. */
const products = ["gateway", "runner", "web-client", "cli"];
const shared = ["protocol", "gen"];

/**
 * Inside a product, what stands left of an arrow imports what stands right of it; a `|` separates parts that never
 * import each other. A part is a folder or a file of src/. Every folder is listed; a file that is not is free.
 */
const arrows = `
gateway     worker → rest → job | fleet → attachment | auth
runner      main → server → auth | runner-service → job → supervisor
runner      supervisor → workspace → sandbox → process
runner      supervisor → executor | model-proxy | spool → process
web-client  main → app | demo → artifacts, asks, connection, diff, fleet, job, jobs, log, messages, network, notices, outbox, session, settings, setup, transcript, usage → transport, ui
`;

const edgesByProduct = new Map(products.map((product) => [product, readArrows(product)]));

/** What goes against the picture, as lines to show, given each source file's text by its path from the root. */
export function findWrongImports(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources].flatMap(([path, text]) => [
    ...(isPlaced(path) ? [] : [`${path} is in a folder that has no place in scripts/import-direction.ts`]),
    ...relativeImports(text)
      .filter((specifier) => !mayImport(path, posix.join(posix.dirname(path), specifier)))
      .map((specifier) => `${path} must not import ${specifier}`),
  ]);
}

function isPlaced(path: string): boolean {
  const [product = "", , , ...inFolder] = path.split("/");
  const edges = edgesOf(product);
  return inFolder.length === 0 || edges.length === 0 || isListed(edges, partOf(path));
}

function relativeImports(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g)].map(([, specifier = ""]) => specifier);
}

function mayImport(from: string, to: string): boolean {
  const [home = ""] = from.split("/");
  const [target = ""] = to.split("/");
  const isTest = /\.test\.tsx?$|^[^/]+\/testing\//.test(from);
  if (home !== target) return shared.includes(target) || (isTest && !products.includes(target));
  return isTest || pointsRight(edgesOf(home), partOf(from), partOf(to));
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
  return reached.has(to) || !isListed(edges, from) || !isListed(edges, to);
}

function isListed(edges: readonly Edge[], part: string): boolean {
  return edges.some((edge) => edge.includes(part));
}

function edgesOf(product: string): readonly Edge[] {
  return edgesByProduct.get(product) ?? [];
}

function readArrows(product: string): readonly Edge[] {
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
