// Prints every payload of @octokit/webhooks-examples, one a line: {"name", "payload"}.
import { createRequire } from "node:module";

const require = createRequire(process.argv[2] + "/");
const examples = require("@octokit/webhooks-examples");
const events = examples.default ?? examples;
for (const { name, examples: payloads } of events) {
  for (const payload of payloads) console.log(JSON.stringify({ name, payload: JSON.stringify(payload, null, 2) }));
}
