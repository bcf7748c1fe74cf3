import { spawn } from "node:child_process";

/** Kills process groups should this process end without having ended them itself, whatever way it ends. */
export interface Guard {
  watch(group: number): void;
  forget(group: number): void;
  /** Settles when the guard itself has ended. Kills what it still watches. */
  close(): Promise<void>;
}

/** Each line of its input is the whole list of groups; its input ends when the writer does. */
const script = `
while read -r line; do groups=$line; done
for group in $groups; do kill -s KILL -- "-$group"; done`;

/** Starts the guard: a shell of a session of its own, so that no Ctrl+C reaches it. */
export function openGuard(): Guard {
  const shell = spawn("/bin/sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  const gone = new Promise<void>((settle) => {
    shell.on("exit", () => settle());
    shell.on("error", () => settle());
  });
  // A guard that was killed is missed only if this process is killed as well.
  shell.stdin.on("error", () => undefined);
  const groups = new Set<number>();
  const tell = () => shell.stdin.write(`${[...groups].join(" ")}\n`);
  return {
    watch(group) {
      groups.add(group);
      tell();
    },
    forget(group) {
      groups.delete(group);
      tell();
    },
    async close() {
      shell.stdin.end();
      await gone;
    },
  };
}
