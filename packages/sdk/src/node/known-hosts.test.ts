import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { files } from "@holdfast/carrier";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  checkHost,
  credentialAt,
  credentialBehind,
  credentialsBehind,
  hostIdOf,
  knownHostId,
  networkVerifier,
  rememberHost,
} from "./known-hosts.ts";

interface Made {
  readonly key: Buffer;
  readonly privateKey: KeyObject;
}
const made = (): Made => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { key: publicKey.export({ format: "der", type: "spki" }).subarray(-32), privateKey };
};
const [old, other] = [made(), made()];
const url = new URL("wss://box.example:7433/v1/link");
const words = Buffer.from("a transcript");
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hold-known-"));
});
afterEach(() => rmSync(home, { recursive: true }));

/** What is thought of this host: `true`, or the code of the refusal. */
function of({ key, privateKey }: Made, trust?: string): unknown {
  try {
    return networkVerifier(home, url, trust).verify(key, words, sign(null, words, privateKey));
  } catch (fault) {
    return (fault as { code?: string }).code;
  }
}

test("an address has one key: the one that took another's place, and no more the other", () => {
  rememberHost(home, url.host, old.key);
  expect([of(old), of(other)]).toEqual([true, "host_key_changed"]);
  rememberHost(home, url.host, other.key);
  expect([of(old), of(other)]).toEqual(["host_key_changed", true]);
  expect(knownHostId(home, url.host)).toBe(hostIdOf(other.key));
});

test("who names a host by its id means that one, whatever is known at its address", () => {
  rememberHost(home, url.host, old.key);
  expect(of(old, hostIdOf(other.key))).toBe("host_key_unknown");
  expect(of(old, hostIdOf(old.key))).toBe(true);
});

test("at first sight is for an address that nobody is known at", () => {
  expect(of(old)).toBe("host_key_unknown");
  expect(of(old, "first")).toBe(true);
  expect(of(other, "first")).toBe("host_key_changed");
});

test("a file that a person wrote to, without a last line's end, keeps its other lines", () => {
  rememberHost(home, "a.example:1", old.key);
  appendFileSync(files.knownHosts(home), `b.example:2 ${other.key.toString("base64")}`);
  rememberHost(home, url.host, old.key);
  expect(["a.example:1", "b.example:2", url.host].map((address) => knownHostId(home, address))).toEqual(
    [old, other, old].map(({ key }) => hostIdOf(key)),
  );
  expect(statSync(files.knownHosts(home)).mode & 0o777).toBe(0o600);
  expect(readFileSync(files.knownHosts(home), "utf8").split("\n")).toHaveLength(4);
});

test("a signature by another key is no proof, whoever is trusted", () => {
  expect(networkVerifier(home, url, "first").verify(old.key, words, sign(null, words, other.privateKey))).toBe(false);
  expect(knownHostId(home, url.host)).toBeNull();
});

test("K5: the credential that was made for an address is used there, until another is made for it, and nowhere else", () => {
  rememberHost(home, url.host, old.key, "eva");
  rememberHost(home, "a.example:1", old.key);
  expect([credentialAt(home, url.host), credentialAt(home, "a.example:1"), credentialAt(home, "b.example:2")]).toEqual([
    "eva",
    undefined,
    undefined,
  ]);
  rememberHost(home, url.host, old.key);
  expect(credentialAt(home, url.host)).toBe("eva");
  rememberHost(home, url.host, old.key, "eva-2");
  expect([credentialAt(home, url.host), of(old)]).toEqual(["eva-2", true]);
});

test("a host behind a relay is known by the relay's name and its own, and its credential also by its id", () => {
  const at = "relay.example:7444/box";
  rememberHost(home, at, old.key, "ana");
  rememberHost(home, "relay.example:7444/lab", other.key);
  rememberHost(home, "other.example:7444/box", other.key, "ben");
  rememberHost(home, "relay.example:74444/box", other.key, "cy");
  expect(credentialAt(home, at)).toBe("ana");
  expect(credentialBehind(home, "relay.example:7444", hostIdOf(old.key))).toBe("ana");
  expect(credentialBehind(home, "relay.example:7444", hostIdOf(other.key))).toBeUndefined();
  expect(credentialBehind(home, "other.example:7444", hostIdOf(old.key))).toBeUndefined();
  expect(credentialsBehind(home, "relay.example:7444")).toEqual(["ana"]);
  rememberHost(home, "relay.example:7444/third", old.key, "ana");
  expect(credentialsBehind(home, "relay.example:7444")).toEqual(["ana"]);
  expect(credentialsBehind(home, "nobody.example:7444")).toEqual([]);
});

test("who answers behind a relay in the place of one that is known is told apart before anything is signed", () => {
  const place = { host: "relay.example:7444/box", origin: "relay://relay.example:7444/box" };
  const check = (key: Buffer, trust?: string): string => {
    try {
      checkHost(home, place, { key, trust });
      return "trusted";
    } catch (fault) {
      return (fault as { code: string }).code;
    }
  };
  expect([check(old.key), check(old.key, hostIdOf(other.key)), check(old.key, "first")]).toEqual([
    "host_key_unknown",
    "host_key_unknown",
    "trusted",
  ]);
  expect([check(old.key), check(other.key), check(other.key, "first")]).toEqual([
    "trusted",
    "host_key_changed",
    "host_key_changed",
  ]);
  // The same host at another address is another place; and another relay's name does not stand for this one's.
  expect(knownHostId(home, "relay.example:7444/other")).toBeNull();
});
