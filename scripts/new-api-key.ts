/** Makes an API key: `node scripts/new-api-key.ts <id> <viewer|operator|admin> [last day, YYYY-MM-DD]`. */
import { newApiKey, scopes } from "#protocol/api-key.ts";

const usage = `usage: node scripts/new-api-key.ts <id> <${scopes.join("|")}> [last day, YYYY-MM-DD]`;

const [id, scopeName, lastDay] = process.argv.slice(2);
const scope = scopes.find((candidate) => candidate === scopeName);
if (id === undefined || scope === undefined) {
  console.error(usage);
  process.exit(2);
}
try {
  const { key, entry } = await newApiKey(id, scope, lastDay);
  console.log(`key, shown only now; callers send it as "Authorization: Bearer …":\n  ${key}`);
  console.log(`entry for the API_KEYS secret of the gateway, beside those that are there:\n  ${entry}`);
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exit(2);
}
