// Verifies deliveries with the reference client of Standard Webhooks, as a receiver would: each line on
// standard input is {"secret", "headers", "body" (base64)}; the answer is the number that verified, or
// the first that did not.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.argv[2] + "/");
const { Webhook } = require("standardwebhooks");

let verified = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  new Webhook(secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
  verified++;
}
console.log(verified);
