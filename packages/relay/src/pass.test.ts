import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { PASS_SECONDS, PASS_TYPE } from "@holdfast/carrier/grpc";
import { limits } from "@holdfast/protocol";
import { expect, test } from "vitest";
import { PassReader } from "./pass.ts";
import { Key } from "./test/scene.ts";

const AUDIENCE = "relay.example:7444";
const nowS = 1_800_000_000;
const ana = new Key();
const b64 = (value: unknown): string =>
  (Buffer.isBuffer(value) ? value : Buffer.from(typeof value === "string" ? value : JSON.stringify(value))).toString("base64url");

interface Parts {
  header?: Record<string, unknown>;
  claims?: unknown;
  signWith?: (words: Buffer) => Buffer;
}

const jwk = { kty: "OKP", crv: "Ed25519", x: b64(ana.raw) };
const claimsNow = (): Record<string, unknown> => ({
  aud: AUDIENCE,
  iat: nowS,
  exp: nowS + PASS_SECONDS,
  jti: randomBytes(12).toString("hex"),
});

/** A good one but for what is given. */
function pass({ header = {}, claims = {}, signWith = (w) => sign(null, w, ana.key) }: Parts = {}): string {
  const head = { alg: "EdDSA", typ: PASS_TYPE, jwk, ...header };
  const body = Array.isArray(claims) || typeof claims === "string" ? claims : { ...claimsNow(), ...(claims as object) };
  const words = `${b64(head)}.${b64(body)}`;
  return `${words}.${signWith(Buffer.from(words)).toString("base64url")}`;
}

const reader = (): PassReader =>
  new PassReader(
    (a) => a === AUDIENCE,
    () => nowS * 1000,
  );

/** The id of the key, or the code of the refusal. */
async function read(text: string, by = reader()): Promise<string> {
  return by.read(text).then(
    ({ keyId }) => keyId,
    (fault: { code: string }) => fault.code,
  );
}

test("who signed it is told by the key that stands in it", async () => {
  expect(await read(pass())).toBe(ana.keyId);
  const { publicKey } = await reader().read(pass());
  expect(Buffer.from(publicKey).equals(ana.raw)).toBe(true);
});

test("whatever is not signed by that key, for this relay, now, has one answer", async () => {
  const eve = generateKeyPairSync("ed25519").privateKey;
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const good = pass();
  const [head = "", body = "", signature = ""] = good.split(".");
  const wrong: Record<string, string> = {
    "another's signature": pass({ signWith: (w) => sign(null, w, eve) }),
    "no signature": `${head}.${body}.`,
    "alg none": pass({ header: { alg: "none" }, signWith: () => Buffer.alloc(0) }),
    "HS256 with the public key as its secret": pass({
      header: { alg: "HS256" },
      signWith: (w) => createHmac("sha256", ana.raw).update(w).digest(),
    }),
    RS256: pass({ header: { alg: "RS256" }, signWith: (w) => sign("sha256", w, rsa.privateKey) }),
    "a key of another kind": pass({ header: { jwk: { kty: "RSA", n: "AQAB", e: "AQAB" } } }),
    "a symmetric key": pass({ header: { jwk: { kty: "oct", k: jwk.x, crv: "Ed25519" } } }),
    X25519: pass({ header: { jwk: { ...jwk, crv: "X25519" } } }),
    "a private part": pass({ header: { jwk: { ...jwk, d: jwk.x } } }),
    "a short key": pass({ header: { jwk: { ...jwk, x: b64(ana.raw.subarray(1)) } } }),
    "no key": pass({ header: { jwk: undefined } }),
    "a key by its address": pass({ header: { jku: "http://127.0.0.1/keys" } }),
    "a critical extension": pass({ header: { crit: ["b64"], b64: false } }),
    "another type": pass({ header: { typ: "JWT" } }),
    "another relay's": pass({ claims: { aud: "evil.example:7444" } }),
    "several relays'": pass({ claims: { aud: [AUDIENCE] } }),
    "no relay's": pass({ claims: { aud: undefined } }),
    over: pass({ claims: { iat: nowS - 200, exp: nowS - 140 } }),
    "of the future": pass({ claims: { iat: nowS + 100, exp: nowS + 150 } }),
    "for longer than a minute": pass({ claims: { exp: nowS + PASS_SECONDS + 1 } }),
    "for ever": pass({ claims: { exp: undefined } }),
    "times as text": pass({ claims: { iat: String(nowS) } }),
    "no id": pass({ claims: { jti: undefined } }),
    "a short id": pass({ claims: { jti: "x" } }),
    "claims that are a list": pass({ claims: [1] }),
    "claims that are no JSON": pass({ claims: "{" }),
    "one of its parts twice": `${good}.${signature}`,
    nothing: "",
    "too long": pass({ claims: { more: "x".repeat(limits.grantBytes) } }),
    unencoded: `${JSON.stringify({ alg: "EdDSA" })}.{}.`,
  };
  for (const [what, text] of Object.entries(wrong)) expect(await read(text), what).toBe("unknown_credential");
});

test("each bit of it matters", async () => {
  const good = pass();
  const by = reader();
  const bytes = Buffer.from(good);
  for (let at = 0; at < bytes.length; at += 3) {
    const other = Buffer.from(bytes);
    // Another letter of the alphabet: the last one of a part has bits that say nothing.
    other[at] = other[at] === 0x41 ? 0x42 : 0x41;
    if (".".charCodeAt(0) === bytes[at] || bytes[at + 1] === 0x2e || at === bytes.length - 1) continue;
    expect(await read(other.toString(), by), String(at)).not.toBe(ana.keyId);
  }
  expect(await read(good, by)).toBe(ana.keyId);
});

test("it is good once, and forgotten when it would be over anyway", async () => {
  let now = nowS;
  const by = new PassReader(
    (a) => a === AUDIENCE,
    () => now * 1000,
  );
  const once = pass();
  expect([await read(once, by), await read(once, by)]).toEqual([ana.keyId, "unknown_credential"]);
  const both = pass();
  const twice = await Promise.all([read(both, by), read(both, by)]);
  expect(twice.sort()).toEqual([ana.keyId, "unknown_credential"].sort());
  now += PASS_SECONDS + 29;
  expect(await read(once, by)).toBe("unknown_credential");
  now += 1_000;
  expect(await read(once, by)).toBe("unknown_credential");
});

test("a key that can be written in two ways is one key: what was signed for and what is believed never differ", async () => {
  const eve = new Key();
  // Readers differ in what they pass over: letters of the other alphabet, spaces, what comes after the end.
  const texts = [
    `${b64(eve.raw)}=`,
    ` ${b64(eve.raw)}`,
    `${b64(eve.raw)}${b64(ana.raw)}`,
    `${b64(eve.raw)}=${b64(ana.raw)}`,
    eve.raw.toString("base64"),
  ];
  for (const x of texts) {
    const found = await read(pass({ header: { jwk: { ...jwk, x } } }));
    expect(found, x).toBe("unknown_credential");
  }
});

test("clocks may differ by half a minute and no more", async () => {
  const at = (iat: number): string => pass({ claims: { iat, exp: iat + PASS_SECONDS } });
  expect(await read(at(nowS + 30))).toBe(ana.keyId);
  expect(await read(at(nowS + 31))).toBe("unknown_credential");
  expect(await read(at(nowS - PASS_SECONDS - 29))).toBe(ana.keyId);
  expect(await read(at(nowS - PASS_SECONDS - 30))).toBe("unknown_credential");
});
