import { expect, test } from "vitest";
import { relayAddress, relayedHost, relayedUrl, relayUrl } from "./address.ts";
import { audienceOf } from "./pass.ts";

const pin = "ab".repeat(32);

test("a relay's address is read as it is written, and written as it is read", () => {
  const read: Record<string, string> = {
    "https://relay.example:7444": "https://relay.example:7444",
    "relay.example:7444": "https://relay.example:7444",
    "https://relay.example": "https://relay.example:443",
    "http://127.0.0.1:7444/": "http://127.0.0.1:7444",
    "http://[::1]:7444": "http://[::1]:7444",
    [`https://relay.example:7444#${pin.toUpperCase()}`]: `https://relay.example:7444#${pin}`,
  };
  for (const [text, url] of Object.entries(read)) {
    expect(relayUrl(relayAddress(text)), text).toBe(url);
    expect(relayAddress(url)).toEqual(relayAddress(text));
  }
});

test("a host's address names its relay and what it is called there", () => {
  expect(relayedHost(`relay://relay.example:7444/box#${pin}`)).toEqual({
    relay: { authority: "relay.example:7444", isPlain: false, isWeb: false, pin },
    host: "box",
  });
  for (const url of [`relay://relay.example:7444/box#${pin}`, "relay+http://127.0.0.1:7444/0123456789abcdef0123456789abcdef"])
    expect(relayedUrl(relayedHost(url))).toBe(url);
});

test("what is no address is told of: secrets, queries, paths, plaintext that would leave this machine", () => {
  const relays = [
    "",
    "ws://relay.example",
    "https://",
    "https://a@relay.example",
    "https://:b@relay.example",
    "https://relay.example/?token=1",
    "https://relay.example/box",
    "https://relay.example#abc",
    `https://relay.example#${pin}0`,
    "http://relay.example:7444",
    "http://192.0.2.1:7444",
    "http://127.0.0.1.evil.example:7444",
  ];
  for (const text of relays) expect(() => relayAddress(text), text).toThrow(expect.objectContaining({ code: "usage" }) as Error);
  const hosts = [
    "relay://relay.example",
    "relay://relay.example/",
    "relay://relay.example/a/b",
    "relay://relay.example/Box",
    "relay://relay.example/-box",
    "relay+http://relay.example/box",
    "https://relay.example/box",
    `relay://relay.example/${"x".repeat(64)}`,
  ];
  for (const text of hosts) expect(() => relayedHost(text), text).toThrow(expect.objectContaining({ code: "usage" }) as Error);
});

test("who is meant by a pass is the name, or the key where one was given", () => {
  expect(audienceOf(relayAddress("https://relay.example"))).toBe("relay.example:443");
  expect(audienceOf(relayAddress(`https://relay.example:7444#${pin}`))).toBe(`relay.example:7444#${pin}`);
});
