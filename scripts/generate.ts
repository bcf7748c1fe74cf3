// `npm run generate`: writes gen/ and the gateway's runtime types anew, and says what differs from the last commit.
import { execa } from "execa";
import { root, runChecks, runCommand } from "./run-checks.ts";

const runtimeTypes = ["types", "--include-env=false", "--cwd", "gateway"];
const { failed } = await runChecks([
  { name: "buf generate", run: () => runCommand("buf", ["generate"]) },
  { name: "wrangler types", run: () => runCommand("wrangler", runtimeTypes) },
]);
if (failed > 0) process.exit(1);

const paths = ["gen", "gateway/worker-configuration.d.ts"];
const { stdout } = await execa("git", ["status", "--short", "--", ...paths], { cwd: root });
console.log(stdout === "" ? "Nothing differs from the last commit." : stdout);
