import { execa } from "execa";

/** The machine the tests need tools of. */
export type Machine = { readonly platform: NodeJS.Platform; readonly isRoot: boolean; readonly hasApt: boolean };

/** What to do about missing tools: nothing, run a shell command, or ask for it in one sentence. */
export type Remedy =
  | { readonly kind: "nothing" }
  | { readonly kind: "run"; readonly command: string }
  | { readonly kind: "ask"; readonly sentence: string };

/** The command each tool is known by, and the Debian package it comes from. */
const packages = new Map([
  ["chromium", "chromium"],
  ["bwrap", "bubblewrap"],
]);

/** Installs the browser and the sandbox where this may be done unasked; otherwise returns the sentence that says how. */
export async function installSystemTools(): Promise<string | undefined> {
  const remedy = chooseRemedy(await findMissing(), {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    hasApt: await isOnPath("apt-get"),
  });
  switch (remedy.kind) {
    case "nothing":
      return undefined;
    case "ask":
      return remedy.sentence;
    case "run":
      console.log(`Installing what the tests need: ${remedy.command}`);
      await execa(remedy.command, { shell: true, env: { DEBIAN_FRONTEND: "noninteractive" }, stdin: "ignore" });
      return undefined;
  }
}

/** Debian's packages are installed by root without asking; everyone else is told the one command. */
export function chooseRemedy(missing: readonly string[], machine: Machine): Remedy {
  const wanted = [...packages].filter(([command]) => missing.includes(command)).map(([, name]) => name);
  if (machine.platform !== "linux") {
    if (!wanted.includes("chromium")) return { kind: "nothing" };
    return { kind: "ask", sentence: "The tests need Chromium: brew install --cask chromium" };
  }
  if (wanted.length === 0) return { kind: "nothing" };
  const names = wanted.join(" ");
  if (!machine.hasApt)
    return { kind: "ask", sentence: `The tests need ${names}: install them with your package manager.` };
  const install = (run: string) => `${run} update && ${run} install -y --no-install-recommends ${names}`;
  if (machine.isRoot) return { kind: "run", command: install("apt-get") };
  return { kind: "ask", sentence: `The tests need ${names}: ${install("sudo apt-get")}` };
}

async function findMissing(): Promise<readonly string[]> {
  const commands = [...packages.keys()];
  const found = await Promise.all(commands.map(isOnPath));
  return commands.filter((_, at) => !found[at]);
}

async function isOnPath(command: string): Promise<boolean> {
  const { failed } = await execa("which", [command], { reject: false });
  return !failed;
}
