import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folders } from "@holdfast/carrier";
import { HoldError } from "@holdfast/protocol";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Grant, type GrantReader, readGrant } from "./grant.ts";
import { keyIdOf, rawPublicKey } from "./key.ts";
import { OperatorRegistry } from "./registry.ts";

const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1000;
const HOST = "0123456789abcdef0123456789abcdef";

let home: string;
let registry: OperatorRegistry;
const keys = { ana: generateKeyPairSync("ed25519").privateKey, eve: generateKeyPairSync("ed25519").privateKey };
const stranger = generateKeyPairSync("ed25519").privateKey;
const kidOf = (key: KeyObject): string => keyIdOf(rawPublicKey(key)).toString("hex");

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "hold-grant-"));
  mkdirSync(folders.keys(home), { recursive: true });
  registry = OperatorRegistry.open(home, 0);
  for (const [name, key] of Object.entries(keys))
    registry.add({
      ...{ name, kind: "human", role: "operator", publicKey: rawPublicKey(key), onBehalfOf: "", by: "root", nowUnixMs: 0 },
    } as const);
});
afterAll(() => rmSync(home, { recursive: true }));

type Claims = Record<string, unknown>;
const claimsOf = (key: KeyObject, iss: string): Claims => ({
  ...{ iss, aud: HOST, iat: NOW, exp: NOW + 600, jti: "one", cnf: { kid: kidOf(key) } },
});

/** By hand: what no library of good manners would make. */
function token(header: Claims, claims: Claims | string, key: KeyObject | null): string {
  const part = (value: unknown): string =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${key ? sign(null, Buffer.from(signed), key).toString("base64url") : ""}`;
}
const header = (key: KeyObject, more: Claims = {}): Claims => ({
  ...{ alg: "EdDSA", typ: "holdfast-grant+jwt", kid: kidOf(key), ...more },
});
const ana = (more: Claims = {}, without: readonly string[] = []): string => {
  const claims: Claims = { ...claimsOf(keys.ana, "ana"), ...more };
  for (const name of without) delete claims[name];
  return token(header(keys.ana), claims, keys.ana);
};

const read = (text: string, more: Partial<GrantReader> = {}): Promise<Grant> =>
  readGrant(text, { registry, hostId: HOST, wallMs: () => NOW_MS, ...more });
const refusal = async (text: string, more?: Partial<GrantReader>): Promise<string> =>
  read(text, more).then(
    () => "not refused",
    (fault: unknown) => (fault instanceof HoldError ? `${fault.code}: ${fault.message}` : `no refusal but ${String(fault)}`),
  );

describe("a grant", () => {
  test("is read as what its operator may do now, for as long as it says", async () => {
    const { operator, leftMs, jti } = await read(ana());
    expect(operator).toEqual(registry.byName("ana"));
    expect([leftMs, jti]).toEqual([600_000 + 30_000, "one"]);
  });

  test("is what a library makes of the same key", async () => {
    const made = await new SignJWT({ cnf: { kid: kidOf(keys.eve) }, cap: ["session.observe"] })
      .setProtectedHeader({ alg: "EdDSA", typ: "holdfast-grant+jwt", kid: kidOf(keys.eve) })
      .setIssuer("eve")
      .setAudience(HOST)
      .setIssuedAt(NOW)
      .setExpirationTime(NOW + 60)
      .setJti("two")
      .sign(keys.eve);
    expect((await read(made)).operator.narrowed).toEqual({ session: null, capabilities: ["session.observe"] });
  });

  test("narrows, and nothing of that is kept", async () => {
    const { operator } = await read(ana({ session: "s7", cap: ["session.observe", "history.read"] }));
    expect(operator.narrowed).toEqual({ session: "s7", capabilities: ["session.observe", "history.read"] });
    expect(registry.byName("ana")).not.toHaveProperty("narrowed");
  });
});

const unknown = "unknown_credential: this host knows no operator by that grant";
const hmac = async (secret: Uint8Array): Promise<string> =>
  new SignJWT(claimsOf(keys.ana, "ana"))
    .setProtectedHeader({ alg: "HS256", typ: "holdfast-grant+jwt", kid: kidOf(keys.ana) })
    .sign(secret);

describe("before its signature is known to be good, one answer is given to", () => {
  test.each<[string, () => string | Promise<string>]>([
    ["what is no token", () => "nonsense"],
    ["what is empty", () => ""],
    ["alg none", () => token(header(keys.ana, { alg: "none" }), claimsOf(keys.ana, "ana"), null)],
    ["alg none, with a signature", () => token(header(keys.ana, { alg: "none" }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["HS256 with the public key for its secret", () => hmac(rawPublicKey(keys.ana))],
    ["HS256 with the key's id for its secret", () => hmac(keyIdOf(rawPublicKey(keys.ana)))],
    ["an algorithm of another name", () => token(header(keys.ana, { alg: "Ed25519" }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["another typ", () => token(header(keys.ana, { typ: "JWT" }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["no typ", () => token({ alg: "EdDSA", kid: kidOf(keys.ana) }, claimsOf(keys.ana, "ana"), keys.ana)],
    ["no kid", () => token({ alg: "EdDSA", typ: "holdfast-grant+jwt" }, claimsOf(keys.ana, "ana"), keys.ana)],
    ["a kid that nobody has", () => token(header(stranger), claimsOf(stranger, "ana"), stranger)],
    ["another's kid", () => token(header(keys.eve), claimsOf(keys.eve, "eve"), keys.ana)],
    ["a key in the header", () => token(header(keys.ana, { jwk: {} }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["a key's address in the header", () => token(header(keys.ana, { jku: "http://x" }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["a crit that is not known", () => token(header(keys.ana, { crit: ["x"], x: 1 }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["b64", () => token(header(keys.ana, { crit: ["b64"], b64: false }), claimsOf(keys.ana, "ana"), keys.ana)],
    ["one that is too long", () => ana({ jti: "x".repeat(4_096) })],
    ["a signature that was changed", () => ana().replace(/.{8}$/, "AAAAAAAA")],
    ["a claim that was changed", () => ana().replace(/\.[^.]+\./, `.${ana({ exp: NOW + 601 }).split(".")[1]}.`)],
    ["a fourth part", () => `${ana()}.`],
  ])("%s", async (_, made) => expect(await refusal(await made())).toBe(unknown));
});

describe("of its claims, it is told what is wrong with", () => {
  test.each<[string, string, RegExp]>([
    ["another host's", ana({ aud: "another" }), /another host/],
    ["a list of hosts", ana({ aud: [HOST] }), /another host/],
    ["no aud", ana({}, ["aud"]), /another host/],
    ["another's name", ana({ iss: "eve" }), /who issued it/],
    ["no iss", ana({}, ["iss"]), /who issued it/],
    ["no jti", ana({}, ["jti"]), /jti/],
    ["no cnf", ana({}, ["cnf"]), /not bound/],
    ["an empty cnf", ana({ cnf: {} }), /not bound/],
    ["another's cnf", ana({ cnf: { kid: kidOf(keys.eve) } }), /not bound/],
    ["more in its cnf", ana({ cnf: { kid: kidOf(keys.ana), jwk: {} } }), /not bound/],
    ["no exp", ana({}, ["exp"]), /no time/],
    ["no iat", ana({}, ["iat"]), /no time/],
    ["an exp that is text", ana({ exp: String(NOW + 600) }), /no time/],
    ["an exp before its iat", ana({ exp: NOW - 1 }), /no time/],
    ["sixteen minutes", ana({ exp: NOW + 960 }), /more than 15 minutes/],
    ["the future", ana({ iat: NOW + 31, exp: NOW + 600 }), /future/],
    ["every session", ana({ session: "*" }), /not the id/],
    ["no session", ana({ session: "" }), /not the id/],
    ["sessions", ana({ session: ["s7"] }), /not the id/],
    ["a session of null", ana({ session: null }), /not the id/],
    ["no right", ana({ cap: [] }), /no list of rights/],
    ["every right", ana({ cap: ["*"] }), /no list of rights/],
    ["a right for a list", ana({ cap: "session.observe" }), /no list of rights/],
    ["rights of null", ana({ cap: null }), /no list of rights/],
    ["a right that is not known", ana({ cap: ["session.observe", "session.fly"] }), /no list of rights/],
    ["a claim that is not known", ana({ onlyOnSundays: true }), /does not know the claim "onlyOnSundays"/],
    ["no object", token(header(keys.ana), "[]", keys.ana), /no claims/],
    ["no JSON", token(header(keys.ana), "{", keys.ana), /no claims/],
  ])("%s", async (_, made, why) => {
    const said = await refusal(made);
    expect(said).toMatch(why);
    expect(said).toMatch(/^unknown_credential: /);
  });

  test("a time that is over, which is for who bears it to mend", async () => {
    expect(await refusal(ana(), { wallMs: () => NOW_MS + 629_000 })).toBe("not refused");
    expect(await refusal(ana(), { wallMs: () => NOW_MS + 630_000 })).toMatch(/^grant_expired: /);
  });
});

test("a revoked operator's grant is refused", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  registry.add({
    ...{ name: "gone", kind: "human", role: "operator", publicKey: rawPublicKey(privateKey), onBehalfOf: "", by: "root" },
    nowUnixMs: 0,
  });
  const made = token(header(privateKey), claimsOf(privateKey, "gone"), privateKey);
  expect(await refusal(made)).toBe("not refused");
  registry.revoke("gone");
  expect(await refusal(made)).toMatch(/^revoked: /);
});
