import { expect, test } from "vitest";
import { withoutSecret } from "./without-secret.ts";

test.each([
  ["nats://host:4222", "nats://host:4222"],
  ["nats://ana:word@host:4222", "nats://host:4222"],
  ["nats://ana:a/b@c,d@host:4222/", "nats://host:4222/"],
  ["tls://ana:a/b@one:4222, nats://bo:c@d@two:4222", "tls://one:4222, nats://two:4222"],
  ["nats://one:4222,nats://bo:c@two:4222", "nats://one:4222,nats://two:4222"],
  ["nats://ana:a//b@host", "nats://host"],
])("of %s it is shown where, and no password", (url, shown) => {
  expect(withoutSecret(url)).toBe(shown);
});
