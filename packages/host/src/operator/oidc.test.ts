/** Whom an issuer's token names, and every way in which a token does not hold. The issuer is a server of this test; a real one is in the integration tests. */
import { createHmac, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { HoldError } from "@holdfast/protocol";
import { exportJWK, type JWTPayload, SignJWT } from "jose";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nonceOf, OidcIssuer, readOidc } from "./oidc.ts";

const NONCE = nonceOf(Uint8Array.of(1, 2, 3));
const CLIENT = "holdfast";
const es = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const nowS = (): number => Math.floor(Date.now() / 1000);

/** An issuer that can be made to misbehave. */
class Issuer {
  readonly server: Server;
  readonly asked: string[] = [];
  key = es();
  kid = "k1";
  answer: ((path: string, response: ServerResponse) => boolean) | null = null;

  constructor() {
    this.server = createServer((request, response) => void this.#serve(request.url ?? "", response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async open(): Promise<this> {
    await new Promise<void>((ready) => this.server.listen(0, "127.0.0.1", ready));
    return this;
  }

  async #serve(path: string, response: ServerResponse): Promise<void> {
    this.asked.push(path);
    if (this.answer?.(path, response)) return;
    if (path === "/.well-known/openid-configuration") return json(response, { issuer: this.url, jwks_uri: `${this.url}/keys` });
    const jwk = await exportJWK(this.key);
    delete jwk.d;
    json(response, { keys: [{ ...jwk, kid: this.kid, alg: "ES256", use: "sig" }] });
  }

  token(change: JWTPayload = {}, header: object = {}, key = this.key): Promise<string> {
    const payload = { iss: this.url, aud: CLIENT, sub: "sub-1", nonce: NONCE, iat: nowS(), exp: nowS() + 300, ...change };
    const given = Object.fromEntries(Object.entries(payload).filter(([, v]) => v !== null));
    return new SignJWT(given as JWTPayload)
      .setProtectedHeader({ alg: "ES256", kid: this.kid, ...header })
      .sign(key, { crit: { exp2: true } });
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

let issuer: Issuer;
let time: number;
let said: string[];
beforeEach(async () => {
  issuer = await new Issuer().open();
  time = 1_000_000;
  said = [];
});
afterEach(() => {
  const closed = new Promise((done) => issuer.server.close(done));
  issuer.server.closeAllConnections();
  return closed;
});

const verifier = (): OidcIssuer =>
  new OidcIssuer(readOidc(issuer.url, CLIENT), { log: (text) => said.push(text), nowMs: () => time });

async function outcome(token: string, from = verifier(), nonce = NONCE): Promise<string> {
  try {
    return await from.subjectOf(token, nonce);
  } catch (fault) {
    return fault instanceof HoldError ? fault.code : String(fault);
  }
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token of the issuer, for this client, this nonce and now names its subject", async () => {
  expect(await outcome(await issuer.token())).toBe("sub-1");
  expect(await outcome(await issuer.token({ aud: [CLIENT] }))).toBe("sub-1");
  expect(await outcome(await issuer.token({ aud: [CLIENT, "other"], azp: CLIENT }))).toBe("sub-1");
});

describe("a token is refused", () => {
  const wrong: readonly (readonly [string, () => Promise<string>])[] = [
    ["of another issuer", () => issuer.token({ iss: "https://evil.example" })],
    ["of an issuer that differs by a slash", () => issuer.token({ iss: `${issuer.url}/` })],
    ["for another client", () => issuer.token({ aud: "other" })],
    ["for several clients, and not said for which", () => issuer.token({ aud: [CLIENT, "other"] })],
    ["that another client asked for", () => issuer.token({ azp: "other" })],
    ["that is over", () => issuer.token({ iat: nowS() - 500, exp: nowS() - 60 })],
    ["that is not yet", () => issuer.token({ iat: nowS() + 120, nbf: nowS() + 120 })],
    ["of a login that was long ago", () => issuer.token({ iat: nowS() - 900, exp: nowS() + 9_000 })],
    ["that says no end", () => issuer.token({ exp: null } as never)],
    ["that says no beginning", () => issuer.token({ iat: null } as never)],
    ["for another key's nonce", () => issuer.token({ nonce: nonceOf(Uint8Array.of(9)) })],
    ["without a nonce", () => issuer.token({ nonce: null } as never)],
    ["of nobody", () => issuer.token({ sub: "" })],
    ["without a subject", () => issuer.token({ sub: null } as never)],
    ["that another key signed", () => issuer.token({}, {}, es())],
    ["with a header that must be understood and is not", () => issuer.token({}, { crit: ["exp2"], exp2: 1 })],
    ["of an unknown key", () => issuer.token({}, { kid: "k9" }, es())],
    ["that nobody signed", async () => `${encoded({ alg: "none" })}.${(await issuer.token()).split(".")[1]}.`],
    [
      "signed with the public key as a secret",
      async () => {
        const jwk = await exportJWK(issuer.key);
        delete jwk.d;
        const body = `${encoded({ alg: "HS256", kid: issuer.kid })}.${(await issuer.token()).split(".")[1]}`;
        return `${body}.${createHmac("sha256", JSON.stringify(jwk)).update(body).digest("base64url")}`;
      },
    ],
    [
      "that brings its own key",
      async () => {
        const own = es();
        const jwk = await exportJWK(own);
        delete jwk.d;
        return issuer.token({}, { jwk, jku: `${issuer.url}/other-keys`, kid: "k9" }, own);
      },
    ],
    ["with its signature cut", async () => (await issuer.token()).slice(0, -4)],
    ["with a changed claim", async () => changed(await issuer.token())],
    ["that is none", async () => "hello"],
    ["of a MiB", async () => "a".repeat(1024 * 1024)],
  ];
  test.each(wrong)("%s", async (_, make) => {
    expect(await outcome(await make())).toBe("login_refused");
    expect(said.length).toBeGreaterThan(0);
    expect(issuer.asked.filter((path) => !["/.well-known/openid-configuration", "/keys"].includes(path))).toEqual([]);
  });

  test("with one answer, whatever is wrong", async () => {
    const answers = await Promise.all(
      wrong.map(async ([, make]) =>
        verifier()
          .subjectOf(await make(), NONCE)
          .catch((fault: Error) => fault.message),
      ),
    );
    expect(new Set(answers).size).toBe(1);
  });
});

function changed(token: string): string {
  const [head, body, signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(body!, "base64url").toString()) as object;
  return `${head}.${encoded({ ...claims, sub: "sub-2" })}.${signature}`;
}

describe("O4: the issuer's keys", () => {
  test("are asked for once, and anew for a key that is not among them, twice a minute at most", async () => {
    const from = verifier();
    for (let n = 0; n < 5; n++) await outcome(await issuer.token(), from);
    expect(issuer.asked).toHaveLength(2);
    const old = await issuer.token();
    [issuer.key, issuer.kid] = [es(), "k2"];
    expect(await outcome(await issuer.token(), from)).toBe("login_refused");
    expect(issuer.asked).toHaveLength(2);
    time += 30_000;
    expect(await outcome(await issuer.token(), from)).toBe("sub-1");
    expect(await outcome(old, from)).toBe("login_refused");
    for (let n = 0; n < 5; n++) expect(await outcome(await issuer.token({}, { kid: `k${n + 7}` }), from)).toBe("login_refused");
    expect(issuer.asked).toHaveLength(4);
  });

  test("are asked for once by many at a time", async () => {
    const from = verifier();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => issuer.token()));
    expect(new Set(await Promise.all(tokens.map((token) => outcome(token, from))))).toEqual(new Set(["sub-1"]));
    expect(issuer.asked).toHaveLength(2);
  });

  test.each<[string, (path: string, response: ServerResponse) => boolean]>([
    ["calls itself another", (_, response) => told(response, { issuer: "https://evil.example", jwks_uri: `${issuer.url}/keys` })],
    [
      "tells its keys in plaintext elsewhere",
      (_, response) => told(response, { issuer: issuer.url, jwks_uri: "http://192.0.2.1/keys" }),
    ],
    ["sends us on", (_, response) => ended(response.writeHead(302, { Location: `${issuer.url}/keys` }))],
    ["answers with more than is read", (_, response) => ended(response.writeHead(200), "x".repeat(300 * 1024))],
    ["answers with no object", (_, response) => told(response, [])],
    ["says nothing", () => true],
    ["fails", (_, response) => ended(response.writeHead(500))],
  ])("of one that %s are nobody's, and it is asked again later", async (_, answer) => {
    const from = verifier();
    issuer.answer = answer;
    expect(await outcome(await issuer.token(), from)).toBe("unreachable");
    const { length } = issuer.asked;
    expect(await outcome(await issuer.token(), from)).toBe("unreachable");
    expect(issuer.asked).toHaveLength(length);
    issuer.answer = null;
    time += 2_000;
    expect(await outcome(await issuer.token(), from)).toBe("sub-1");
  });
});

function ended(response: ServerResponse, body = ""): boolean {
  response.end(body);
  return true;
}

function told(response: ServerResponse, value: unknown): boolean {
  json(response, value);
  return true;
}

test.each([
  ["http://login.example", "holdfast"],
  ["ftp://login.example", "holdfast"],
  ["login.example", "holdfast"],
  ["https://user:secret@login.example", "holdfast"],
  ["https://login.example?tenant=1", "holdfast"],
  ["http://127.0.0.1.evil.example", "holdfast"],
  ["https://login.example", ""],
])("%s with the client id %j is no issuer", (url, client) => {
  expect(() => readOidc(url, client)).toThrow(HoldError);
});

test.each([
  "https://login.example",
  "https://login.example/tenant/v2.0",
  "http://127.0.0.1:8080",
  "http://localhost:8080",
  "http://[::1]:80/x",
])("%s may be one", (url) => {
  expect(readOidc(url, "holdfast")).toEqual({ issuer: url, clientId: "holdfast" });
});
