/**
 * Continuity tokens at a real host, frame by frame (T-12 to T-15, T-23): when one takes an attachment up again, and every way in which it does not.
 * No client of ours is in it: what is shown is what anybody could send.
 */
import { spawnSync } from "node:child_process";
import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type ClientBody, transcript } from "@holdfast/protocol";
import { type HostClient, type Session, SessionState } from "@holdfast/sdk";
import { generateKey } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { RawLink } from "./world/raw-link.ts";
import { soak, type World, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));

interface Token {
  readonly handle: Uint8Array;
  readonly n: number;
  readonly secret: Uint8Array;
}

interface Away {
  readonly w: World;
  readonly admin: HostClient;
  readonly session: Session;
  readonly key: KeyObject;
  readonly attachment: string;
  readonly token: Token;
  /** By the clock that nobody sets: when the host knew. */
  readonly lostMs: number;
}

function keyIdOf(key: KeyObject): Buffer {
  const raw = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return createHash("sha256").update(raw).digest();
}

/** The frame by which `key` shows a token on this link, in place of a proof; `signs`: whose signature is under it. */
async function resumeFor(link: RawLink, key: KeyObject, token: Token, signs = key): Promise<ClientBody> {
  const [keyId, nonce] = [keyIdOf(key), randomBytes(32)];
  const c = await link.hello(keyId, nonce);
  const words = { clientNonce: nonce, keyId, via: "sdk", protocol: c.protocol, hostKey: c.hostKey, hostNonce: c.nonce };
  return { case: "resume", value: { ...token, signature: sign(null, transcript("resume", { ...words, ...token }), signs) } };
}

/** Shows it on a link of its own. */
async function shown(w: World, key: KeyObject, token: Token, signs = key): Promise<{ link: RawLink; said: string }> {
  const link = await RawLink.open(w.home);
  w.atEnd(() => link.end());
  link.send(await resumeFor(link, key, token, signs));
  return { link, said: await link.answer() };
}

const saidTo = async (...of: Parameters<typeof shown>): Promise<string> => (await shown(...of)).said;

/** Attaches; the token that comes has been acknowledged if it is to be. */
async function attach(link: RawLink, session: string, attachment = "", acked = true): Promise<{ id: string; token: Token }> {
  link.send({ case: "attach", value: { session, continuity: true, attachment, writer: "a-writer-by-hand" } }, 1);
  const { attachment: id } = await link.next("attached");
  const { handle, n, secret } = await link.next("continuity");
  if (acked && attachment !== "") link.send({ case: "continuityAck", value: { n } }, 1);
  return { id, token: { handle, n, secret } };
}

/** Resolves when the host knows that nobody of them is attached. */
async function lost(admin: HostClient, session: Session, link: RawLink): Promise<number> {
  link.end();
  await fact("the host knows it", async () => (await admin.show(session.id)).operators.length === 0);
  return performance.now();
}

/** Ana, whose link has broken; `ana-phone` is another device of hers. */
async function away(graceMs = 60_000): Promise<Away> {
  const w = await world();
  const admin = await w.connect();
  w.close(await w.operator("ana"));
  const { publicKey } = generateKey(w.home, "ana-phone");
  await admin.keyAdd("ana", publicKey);
  const session = await w.open(admin, { graceMs, script: "exec cat" });
  const key = w.keyOf("ana");
  const link = await RawLink.login(w.home, key);
  const { id, token } = await attach(link, session.id);
  return { w, admin, session, key, attachment: id, token, lostMs: await lost(admin, session, link) };
}

const at = (ms: number): Promise<unknown> => fact("it is time", () => performance.now() >= ms);

test("a second before its grace is over an attachment is taken up without a login, and a second after it is refused by a word of its own; the session lives on", async () => {
  const { w, admin, session, key, attachment, token, lostMs } = await away(3_000);
  await at(lostMs + 2_000);
  const { link, said } = await shown(w, key, token);
  expect(said).toBe("welcome");
  const again = await attach(link, session.id, attachment);
  expect(again.id).toBe(attachment);
  const lostAgainMs = await lost(admin, session, link);
  await at(lostAgainMs + 4_000);
  expect(await saidTo(w, key, again.token)).toBe("continuity_over");
  expect(await admin.show(session.id)).toMatchObject({ state: SessionState.RUNNING, pid: session.pid });
  // Who logs in attaches anew.
  expect((await attach(await RawLink.login(w.home, key), session.id)).id).not.toBe(attachment);
});

test("a place outlives the host that kept it", async () => {
  const { w, session, key, attachment, token } = await away();
  await w.killHost();
  const { link, said } = await shown(w, key, token);
  expect(said).toBe("welcome");
  expect((await attach(link, session.id, attachment)).id).toBe(attachment);
});

test(
  "of 200 links that show one token at once one gets in",
  async () => {
    const { w, admin, session, key, attachment, ...first } = await away();
    let { token } = first;
    for (let round = 0; round < (soak ? 100 : 3); round++) {
      const links = await Promise.all(Array.from({ length: 200 }, () => RawLink.open(w.home)));
      const frames = await Promise.all(links.map((link) => resumeFor(link, key, token)));
      for (const [n, link] of links.entries()) link.send(frames[n]!);
      const said = await Promise.all(links.map((link) => link.answer()));
      expect([...said].sort()).toEqual([...Array.from({ length: 199 }, () => "continuity_busy"), "welcome"]);
      const winner = links[said.indexOf("welcome")]!;
      ({ token } = await attach(winner, session.id, attachment));
      await lost(admin, session, winner);
      for (const link of links) link.end();
    }
  },
  soak ? 3_600_000 : 120_000,
);

test("a token that was stolen, forged, cut short or overheard takes nothing up, at its own host or at another, and its own client comes back", async () => {
  const { w, key, token, session, attachment } = await away();
  w.close(await w.operator("mallory"));
  const mallory = w.keyOf("mallory");
  const zeros = { handle: new Uint8Array(16), n: 1, secret: new Uint8Array(32) };
  const tries: readonly [string, KeyObject, Token, KeyObject, string][] = [
    ["another operator's key", mallory, token, mallory, "continuity_unknown"],
    ["another key of its operator", w.keyOf("ana-phone"), token, w.keyOf("ana-phone"), "continuity_unknown"],
    ["its key's id, under another's signature", key, token, mallory, "unknown_credential"],
    ["another secret", key, { ...token, secret: zeros.secret }, key, "continuity_unknown"],
    ["half a secret", key, { ...token, secret: token.secret.subarray(0, 16) }, key, "continuity_unknown"],
    ["no secret", key, { ...token, secret: new Uint8Array(0) }, key, "continuity_unknown"],
    ["half a handle", key, { ...token, handle: token.handle.subarray(0, 8) }, key, "continuity_unknown"],
    ["a handle that was made up", key, { ...token, handle: zeros.handle }, key, "continuity_unknown"],
    ["another number", key, { ...token, n: 2 }, key, "continuity_unknown"],
    ["nothing but zeros", key, zeros, key, "continuity_unknown"],
  ];
  for (const [what, by, of, signs, code] of tries) expect([what, await saidTo(w, by, of, signs)]).toEqual([what, code]);

  // Overheard on a link that ended before anything came of it.
  const overheard = await RawLink.open(w.home);
  const frame = await resumeFor(overheard, key, token);
  overheard.end();
  const replayed = await RawLink.open(w.home);
  await replayed.hello(keyIdOf(key));
  replayed.send(frame);
  expect(await replayed.answer()).toBe("unknown_credential");

  const elsewhere = await world();
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  await (await elsewhere.connect()).operatorAdd({ name: "ana", kind: 1, role: "operator", publicKey });
  expect(await saidTo(elsewhere, key, token)).toBe("continuity_unknown");

  const { link, said } = await shown(w, key, token);
  expect(said).toBe("welcome");
  expect((await attach(link, session.id, attachment)).id).toBe(attachment);
});

test("a token whose answer was lost is good once more; a used one that comes back ends them all, whoever is attached stays, and the audit tells of it", async () => {
  const { w, admin, session, key, attachment, token } = await away();
  const first = await shown(w, key, token);
  await attach(first.link, session.id, attachment, false);
  await lost(admin, session, first.link);
  const second = await shown(w, key, token);
  expect(second.said).toBe("welcome");
  const { token: next } = await attach(second.link, session.id, attachment);
  second.link.send({ case: "ping", value: { token: 1n } });
  await second.link.next("pong");
  for (const [what, shows] of [
    ["the used one", token],
    ["its successor", next],
  ] as const)
    expect([what, await saidTo(w, key, shows)]).toEqual([what, "continuity_copied"]);
  expect((await admin.show(session.id)).operators.map((o) => o.attachment)).toEqual([attachment]);
  const audit = spawnSync(hold, ["audit", "show", "--json"], { env: w.env, encoding: "utf8" }).stdout;
  expect(audit.split("\n").filter((line) => line.includes("token copied"))).toHaveLength(1);
  expect(audit).toContain(`a used continuity token of attachment ${attachment} came back`);
});

test.each([
  ["their operator", "revoked", async (a: Away) => a.admin.operatorRevoke("ana")],
  ["their key alone", "key_revoked", async (a: Away) => a.admin.keyRevoke("ana", keyIdOf(a.key).toString("hex"))],
])("who was away when %s was revoked does not come back by a token, and not to the next host either", async (_, code, revoke) => {
  const a = await away();
  await revoke(a);
  expect(await saidTo(a.w, a.key, a.token)).toBe(code);
  await a.w.killHost();
  expect(await saidTo(a.w, a.key, a.token)).toBe(code);
  expect((await (await a.w.connect()).show(a.session.id)).state).toBe(SessionState.RUNNING);
});
