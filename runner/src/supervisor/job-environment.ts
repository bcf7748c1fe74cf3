import { jobMarker } from "../process/process-table.ts";

/** What the environment of a job's process is made of. */
export interface EnvironmentParts {
  readonly path: string;
  readonly home: string;
  readonly tmp: string;
  /** What the job adds, and its executor. */
  readonly added: Readonly<Record<string, string>>;
  /** The marker's value. */
  readonly id: string;
}

/** Nothing of the runner's own environment: what a job sees is this. */
export function jobEnvironment({ path, home, tmp, added, id }: EnvironmentParts): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    TMPDIR: tmp,
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    TERM: "dumb",
    CI: "true",
    ...added,
    [jobMarker]: id,
  };
}
