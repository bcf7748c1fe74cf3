// `npm run deploy`: builds the web client and deploys it with the gateway to Cloudflare.
// Arguments go to wrangler: `npm run deploy -- --dry-run` shows what would be deployed and needs no account.
import { join } from "node:path";
import { execa } from "execa";
import { StartFailure } from "./start/failure.ts";
import { buildWebClient } from "./start/web-client.ts";

const root = join(import.meta.dirname, "..");
const config = "gateway/wrangler.jsonc";
const args = process.argv.slice(2);

const nextSteps = `
A gateway without secrets answers 401 to all but its health. Once, and whenever they change:
  npx wrangler secret put RUNNER_SECRET --config ${config}   # the value of GATEWAY_SECRET in the runner's settings
  npx wrangler secret put RUNNER_URL --config ${config}      # such as https://runner.blazecraft.app
  npx wrangler secret put API_KEYS --config ${config}        # an entry printed by: node scripts/new-api-key.ts
`;

try {
  console.log(`✓ Web client: ${await buildWebClient(root)}`);
  const { exitCode } = await execa("wrangler", ["deploy", "--config", config, ...args], {
    cwd: root,
    preferLocal: true,
    reject: false,
    stdio: "inherit",
  });
  process.exitCode = exitCode ?? 1;
  if (exitCode === 0) console.log(nextSteps);
} catch (error) {
  if (!(error instanceof StartFailure)) throw error;
  console.error(`✗ ${error.message}`);
  process.exitCode = 1;
}
