/** Logging in with a real OpenID Connect issuer in a process of its own, to a real host: who gets in, and every token that does not. */
import { spawn } from "node:child_process";
import { createHash, createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connectUnix } from "@holdfast/carrier";
import { hostDown, startHost } from "@holdfast/host/start";
import { loginWords } from "@holdfast/protocol";
import { type HoldError, OperatorKind } from "@holdfast/sdk";
import { shakeHands } from "@holdfast/sdk/client";
import { logIn } from "@holdfast/sdk/login";
import { files, folders, generateKey } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { Issuer } from "./world/issuer.ts";
import { program } from "./world/program.ts";
import { signedBy } from "./world/signed.ts";
import { tracesOf } from "./world/traces.ts";
import { refusal, type World, world } from "./world/world.ts";

/** A world whose people log in, at an issuer of its own. */
async function scene(): Promise<{ readonly w: World; readonly issuer: Issuer }> {
  const [w, issuer] = await Promise.all([world(), Issuer.start()]);
  const admin = await w.connect();
  await admin.down();
  w.close(admin);
  await hostDown({ home: w.home, end: false });
  await startHost({
    home: w.home,
    env: w.env,
    timeoutMs: 60_000,
    program,
    oidc: { issuer: issuer.url, clientId: "holdfast" },
  });
  return { w, issuer };
}

async function person(w: World, name: string, oidcSubject: string): Promise<void> {
  await (await w.connect()).operatorAdd({ name, kind: OperatorKind.HUMAN, role: "operator", oidcSubject });
}

/** Somebody logs in as `subject` on a device of that name. */
function enrol(w: World, issuer: Issuer, device: string, subject: string): ReturnType<typeof logIn> {
  return logIn({ home: w.home, name: device, show: (url) => void issuer.browse(url, subject) });
}

/** A key of this world, and the nonce of a login that is for it. */
function deviceOf(w: World, name: string): { readonly publicKey: Uint8Array; readonly nonce: string } {
  const { publicKey } = generateKey(w.home, name);
  return { publicKey, nonce: nonceFor(publicKey, readFileSync(files.hostPublicKey(w.home))) };
}

function nonceFor(publicKey: Uint8Array, hostKey: Uint8Array): string {
  return createHash("sha256").update(loginWords(publicKey, hostKey)).digest("base64url");
}

/** Brings a token for a key of this world. */
async function bring(w: World, name: string, publicKey: Uint8Array, idToken: string): Promise<string> {
  const key = createPrivateKey(readFileSync(join(folders.keys(w.home), `${name}.key`)));
  const { link, welcome } = await shakeHands(
    {
      dial: (accept) => connectUnix(files.socket(w.home), accept),
      ...signedBy(key),
      redeem: { token: new Uint8Array(0), publicKey, name: "", idToken },
      via: "sdk",
      client: "t",
    },
    () => ({ frame: () => {}, closed: () => {} }),
  );
  link.close();
  return welcome.operator;
}

test("who logs in is the operator that the login is linked to, on each of their devices, over a restart of the host", async () => {
  const { w, issuer } = await scene();
  await person(w, "ana", "ana-there");
  expect(await enrol(w, issuer, "desk", "ana-there")).toMatchObject({ operator: "ana", role: "operator", as: "desk" });
  expect(await enrol(w, issuer, "laptop", "ana-there")).toMatchObject({ operator: "ana", as: "laptop" });
  await w.killHost();
  // The issuer is needed for a new device, and for nothing else.
  await issuer.stop();
  for (const device of ["desk", "laptop"]) expect((await (await w.connect(device)).whoami()).operator?.id).toBe("ana");
  const { operator } = await (await w.connect("desk")).whoami();
  expect(operator).toMatchObject({ oidcIssuer: issuer.url, oidcSubject: "ana-there" });
  expect(operator!.keys).toHaveLength(2);
  expect(await refusal(enrol(w, issuer, "phone", "ana-there"))).toBe("unreachable");
});

test("a token that was stolen enrols no other key, at no other host, and its own key once", async () => {
  const { w, issuer } = await scene();
  await person(w, "ana", "ana-there");
  const [ana, thief] = [deviceOf(w, "ana-desk"), deviceOf(w, "thief")];
  const token = await issuer.token("ana-there", ana.nonce);
  expect(await refusal(bring(w, "thief", thief.publicKey, token))).toBe("login_refused");
  // The key that the token is for, and somebody who does not hold it.
  expect(await refusal(bring(w, "thief", ana.publicKey, token))).toBe("unknown_credential");
  const elsewhere = nonceFor(thief.publicKey, new Uint8Array(32));
  expect(await refusal(bring(w, "thief", thief.publicKey, await issuer.token("ana-there", elsewhere)))).toBe("login_refused");
  expect(await refusal(w.connect("thief"))).toBe("unknown_credential");
  expect(await bring(w, "ana-desk", ana.publicKey, token)).toBe("ana");
  expect(await refusal(bring(w, "ana-desk", ana.publicKey, token))).toBe("name_taken");
  await (await w.connect("ana-desk")).keyRevoke("ana", createHash("sha256").update(ana.publicKey).digest("hex")).catch(() => {});
  expect(await refusal(bring(w, "ana-desk", ana.publicKey, token))).toBe("name_taken");
  expect(await refusal(w.connect("ana-desk"))).toBe("key_revoked");
  // Neither what was taken nor what was refused is written down.
  expect(tracesOf(w, { token, signature: token.split(".")[2]! })).toEqual([]);
});

test("a token for another client, changed, or unsigned is refused; so is one whose subject nobody is linked to, who is told it", async () => {
  const { w, issuer } = await scene();
  await person(w, "ana", "ana-there");
  const { publicKey, nonce } = deviceOf(w, "desk");
  const tried = (token: string): Promise<string> => refusal(bring(w, "desk", publicKey, token));
  expect(await tried(await issuer.token("ana-there", nonce, "another"))).toBe("login_refused");
  const [head, body, signature] = (await issuer.token("ben-there", nonce)).split(".");
  const claims = JSON.parse(Buffer.from(body!, "base64url").toString()) as object;
  const changed = Buffer.from(JSON.stringify({ ...claims, sub: "ana-there" })).toString("base64url");
  expect(await tried(`${head}.${changed}.${signature}`)).toBe("login_refused");
  expect(await tried(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${changed}.`)).toBe("login_refused");
  const told = await bring(w, "desk", publicKey, `${head}.${body}.${signature}`).catch((fault: HoldError) => fault);
  expect(told).toMatchObject({ code: "login_refused", details: { reason: "not_linked", subject: "ben-there" } });
  expect(String(told)).toContain("hold operator add NAME --oidc-subject ben-there");
  await (await w.connect()).operatorRevoke("ana");
  expect(await tried(await issuer.token("ana-there", nonce))).toBe("revoked");
});

test("an operator who is here is linked to a login, and unlinked; the keys that it enrolled stay", async () => {
  const { w, issuer } = await scene();
  const admin = await w.connect();
  await w.operator("ana");
  await admin.operatorLink("ana", "ana-there");
  expect(await refusal(admin.operatorLink("ana", "a b"))).toBe("bad_request");
  await enrol(w, issuer, "laptop", "ana-there");
  await admin.operatorLink("ana", null);
  expect(await refusal(enrol(w, issuer, "phone", "ana-there"))).toBe("login_refused");
  expect((await (await w.connect("laptop")).whoami()).operator?.id).toBe("ana");
});

test("a host without an issuer says that nobody logs in there", async () => {
  const w = await world();
  expect(await refusal(logIn({ home: w.home, name: "desk", show: () => {} }))).toBe("unsupported");
  const add = (await w.connect()).operatorAdd({ name: "ana", kind: OperatorKind.HUMAN, role: "operator", oidcSubject: "x" });
  expect(await refusal(add)).toBe("bad_request");
});

test("who gives up, or is refused by the issuer, has enrolled nothing; whoever else knocks at the port changes nothing", async () => {
  const { w, issuer } = await scene();
  await person(w, "ana", "ana-there");
  const given = new AbortController();
  expect(await refusal(logIn({ home: w.home, name: "desk", show: () => given.abort(), signal: given.signal }))).toBe("cancelled");
  const denied = (url: string): void => {
    const { searchParams } = new URL(url);
    const back = new URL(searchParams.get("redirect_uri")!);
    back.search = new URLSearchParams({ error: "access_denied", state: searchParams.get("state")!, iss: issuer.url }).toString();
    void fetch(back);
  };
  expect(await refusal(logIn({ home: w.home, name: "desk", show: denied }))).toBe("login_refused");
  const statuses: number[] = [];
  const stray = async (url: string): Promise<void> => {
    const back = new URL(new URL(url).searchParams.get("redirect_uri")!);
    for (const address of [`${back.href}?code=stolen&state=guessed`, back.href, back.origin])
      statuses.push((await fetch(address)).status);
    await issuer.browse(url, "ana-there");
  };
  expect(await logIn({ home: w.home, name: "desk", show: (url) => void stray(url) })).toMatchObject({ operator: "ana" });
  expect(statuses).toEqual([404, 404, 404]);
});

test("by the command line: a host is set up for an issuer, a person is added, logs in elsewhere, and acts there with the new key", async () => {
  const [w, issuer] = await Promise.all([world(), Issuer.start()]);
  const run = (env: Readonly<Record<string, string>>, words: readonly string[]) => {
    const child = spawn(join(import.meta.dirname, "../../bin/hold"), words, { env, cwd: w.files });
    const said = { out: "", err: "" };
    for (const name of ["out", "err"] as const)
      child[`std${name}`].on("data", (part: Buffer) => {
        said[name] += part.toString();
      });
    const done = once(child, "close").then(([code]) => ({ code: code as number, ...said }));
    return { child, done };
  };
  const box = (...words: string[]) => run(w.env, words).done;
  const laptop = { ...w.env, HOLDFAST_HOME: join(w.place, "laptop") };
  const plain = await box("host", "up", "--oidc-issuer", "http://login.example", "--oidc-client-id", "holdfast");
  expect(plain).toMatchObject({ code: 2, err: expect.stringContaining("https") });
  expect((await box("host", "up", "--oidc-issuer", issuer.url)).code).toBe(2);
  const asked = ["--listen", "127.0.0.1:0", "--oidc-issuer", issuer.url, "--oidc-client-id", "holdfast"];
  const { out: up } = await box("host", "up", ...asked, "--json");
  const url = (JSON.parse(up) as { addresses: { websocket: string } }).addresses.websocket;
  expect(await box("operator", "add", "ana", "--oidc-subject", "ana-there")).toMatchObject({ code: 0, out: "ana\n" });

  expect((await run(laptop, ["host", "trust", url, "--yes"]).done).code).toBe(0);
  const login = run(laptop, ["--host", url, "login", "--json"]);
  for await (const line of createInterface({ input: login.child.stderr })) {
    const [address] = /http:\S+/.exec(line) ?? [];
    if (address !== undefined) await issuer.browse(address, "ana-there");
  }
  const { code, out } = await login.done;
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ operator: "ana", host: url });
  const who = await run(laptop, ["--host", url, "whoami", "--json"]).done;
  expect(JSON.parse(who.out)).toMatchObject({ name: "ana", via: "cli", oidc: { issuer: issuer.url, subject: "ana-there" } });
  expect((await box("operator", "link", "ana")).code).toBe(0);
  expect(JSON.parse((await box("operator", "show", "ana", "--json")).out)).toMatchObject({
    oidc: null,
    keys: [expect.any(String)],
  });
});
