import { parseArgs } from "node:util";
import { startModel } from "./model.ts";
import { scriptNamed, scripts } from "./scripts.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "0" }, script: { type: "string", default: "hello" } },
});
const script = scriptNamed(values.script);
if (script === undefined) {
  console.error(`no script "${values.script}"; there are ${Object.keys(scripts).join(", ")}`);
  process.exit(2);
}

const model = await startModel({ script, port: Number(values.port) });
console.log(`ANTHROPIC_BASE_URL=${model.url} # plays ${values.script}`);
for (let shown = 0; ; shown += 1) {
  await model.until((requests) => requests[shown]?.served !== undefined);
  const request = model.requests[shown];
  console.log(`${request?.served?.status} ${request?.method} ${request?.target}`);
}
