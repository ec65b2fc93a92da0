import { expect, test } from "vitest";
import { withoutSecrets } from "./host-log.ts";

test.each([
  ["no mirror at nats://ana:s3cret@nats.example:4222", "no mirror at nats://***@nats.example:4222"],
  ["redeemed hold1.eyJhIjpbXX0", "redeemed hold1.***"],
  ["Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"],
  ['{"api_key":"abcdef","name":"x"}', '{"api_key":"***","name":"x"}'],
  ["GITHUB_TOKEN=ghp_0123 was set", "GITHUB_TOKEN=*** was set"],
  ["id eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln was refused", "id *** was refused"],
])("what is shaped like a secret is not told: %s", (line, told) => {
  expect(withoutSecrets(line)).toBe(told);
});

test("what is no secret is told as it is", () => {
  const line = "2026-11-28T10:00:00.000Z host 7: serving /home/ana/.local/state/holdfast: 3 sessions taken up, 0 lost, in 12 ms";
  expect(withoutSecrets(line)).toBe(line);
  expect(withoutSecrets("listening on wss://box.example:7433")).toBe("listening on wss://box.example:7433");
});
