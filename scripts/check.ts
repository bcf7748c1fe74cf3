// `npm run check`: every guard of the code, none with a warning.
//
// The contract may not break against proto/baseline.binpb, the image of the last release. A release renews it:
// `npx buf build proto --exclude-source-info --output proto/baseline.binpb`.
import { listChecks } from "./checks.ts";
import { runChecks } from "./run-checks.ts";

const { failed } = await runChecks(listChecks());
if (failed > 0) process.exitCode = 1;
