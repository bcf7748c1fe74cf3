/** What to spawn, wholly: nothing is added from this process's own environment. */
export interface SpawnCommand {
  /** The program and its arguments; the program is looked up in its PATH when it holds no slash. */
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute path of its working directory. */
  readonly directory: string;
}
