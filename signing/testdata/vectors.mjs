// Makes vectors.json with the npm package standardwebhooks, so that the vectors come from another
// implementation than the one they test. In an empty directory outside the repository:
//
//   npm install standardwebhooks@1.1.1
//   cp <repository>/signing/testdata/vectors.mjs . && node vectors.mjs > <repository>/signing/testdata/vectors.json
import { Webhook } from "standardwebhooks";

// Bytes that are the same in every run.
const bytes = (length, seed) => Buffer.from(Array.from({ length }, (_, i) => (i * 37 + seed * 101) % 256));
const secret = (length, seed) => "whsec_" + bytes(length, seed).toString("base64");

const cases = [
  ["the specification's example", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, '{"test": 2432232314}'],
  ["the shortest secret", secret(24, 1), "evt_1", 1700000000, "{}"],
  ["a secret of 32 bytes", secret(32, 2), "evt_01hqzv3b8w5cjx9k2n4m6p7r8s", 1700000001, '{"type":"invoice.paid"}'],
  ["the longest secret, a whole block of the hash", secret(64, 3), "evt_2", 1700000002, '{"a":1}'],
  ["an empty body", secret(32, 4), "evt_3", 1700000003, ""],
  ["a body beyond ASCII", secret(32, 5), "evt_4", 1700000004, '{"name":"Zoë","emoji":"🪝","zh":"网络钩子"}'],
  ["white space that must not be touched", secret(32, 6), "evt_5", 1700000005, ' { "a" :\n\t1 }\r\n'],
  ["a body with full stops", secret(32, 7), "evt_6", 1700000006, "1.2.3"],
  ["a body of 10,000 bytes", secret(32, 8), "evt_7", 1700000007, "x".repeat(10000)],
  ["an ID of 128 characters", secret(32, 9), "A_-z".repeat(32), 1700000008, "[]"],
  ["the epoch itself", secret(32, 10), "evt_8", 0, "null"],
  ["a timestamp past 2038", secret(32, 11), "evt_9", 4102444800, "true"],
];

const vectors = cases.map(([name, secret, id, timestamp, body]) => ({
  name, secret, id, timestamp, body,
  signature: new Webhook(secret).sign(id, new Date(timestamp * 1000), body),
}));
console.log(JSON.stringify(vectors, null, 1));
