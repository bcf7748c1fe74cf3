import type { Duplex } from "node:stream";
import { talkDescriptor } from "../process/spawn-command.ts";
import type { Access, CredentialStore, Credentials } from "./credentials.ts";

/**
 * Settings by which git asks for credentials on its file descriptor 9, in its own words: the verb, what it wants them for,
 * an empty line. Nothing but that git and what it starts can ask there, and nothing secret is in its settings.
 */
export const helperSettings: readonly string[] = [
  "credential.useHttpPath=true",
  `credential.helper=!ask() { ${[
    'test "$1" = store && exit',
    `{ echo "$1"; cat; echo; } >&${talkDescriptor}`,
    'test "$1" = get || exit 0',
    `while IFS= read -r line <&${talkDescriptor} && test -n "$line"; do printf '%s\\n' "$line"; done`,
  ].join("; ")}; }; ask`,
];

/** What one run of git was given. */
export class CredentialHelper {
  readonly #store: CredentialStore;
  readonly #url: string;
  readonly #access: Access;
  /** The last that git was given, or why it was not. */
  credentials: Credentials = { kind: "none" };
  /** True when the host did not take them, and others may be had. */
  canTryAgain = false;

  /** For a run of git that talks to the repository of this canonical URL, and to no other. */
  constructor(store: CredentialStore, url: string, access: Access) {
    this.#store = store;
    this.#url = url;
    this.#access = access;
  }

  /** Answers whoever is at the other end until it is gone. */
  talk(channel: Duplex): void {
    let rest = "";
    // Git may end at any time.
    channel.on("error", () => undefined);
    channel.setEncoding("utf8").on("data", (text: string) => {
      const questions = (rest + text).split("\n\n");
      rest = (questions.pop() ?? "").slice(-maxQuestionLength);
      for (const question of questions) void this.#answer(question.trim().split("\n"), channel);
    });
  }

  async #answer([verb, ...lines]: readonly string[], channel: Duplex): Promise<void> {
    const asked = Object.fromEntries(lines.map((line) => line.split(/=(.*)/s)));
    const isMeant = isSame(asked, this.#url);
    if (verb === "erase" && isMeant) this.canTryAgain = this.#store.refused(this.#url, this.credentials);
    if (verb !== "get") return;
    this.credentials = isMeant ? await this.#store.credentialsFor(this.#url, this.#access) : { kind: "none" };
    channel.write(`${answerLines(this.credentials).join("\n")}\n\n`);
  }
}

const maxQuestionLength = 16 * 1024;

function isSame(asked: Readonly<Record<string, string>>, url: string): boolean {
  const { protocol, host, pathname } = new URL(`${url}.git`);
  const path = pathname.slice(1);
  // Git LFS asks for its own part of the repository.
  const isPath =
    asked.path === path || asked.path === `${path}/info/lfs` || asked.path?.startsWith(`${path}/info/lfs/`);
  return asked.protocol === protocol.slice(0, -1) && asked.host === host && isPath === true;
}

function answerLines(credentials: Credentials): readonly string[] {
  switch (credentials.kind) {
    case "given":
      return [`username=${credentials.username}`, `password=${credentials.token}`];
    case "none":
      return [];
    case "failed":
      return ["quit=1"];
  }
}
