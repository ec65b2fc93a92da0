/**
 * Witnessed heads with a real host, real files and whoever edits them (reliability T-75, T-76): cut off, put back to a copy, written anew with and
 * without the key. And what must not cry wolf: kills, redaction, a home that moves.
 */
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectUnix } from "@holdfast/carrier";
import { NodeDisk, openJournal, systemRandom } from "@holdfast/host/journal";
import { verifyAudit } from "@holdfast/host/audit";
import { hostDown, startHost } from "@holdfast/host/start";
import { InputStatus } from "@holdfast/protocol";
import { type HostClient, parseHeads } from "@holdfast/sdk";
import { files, folders, joinHost } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { held, hold, machine } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { program } from "./world/program.ts";
import { RelayProcess } from "./world/relay.ts";
import { bytes, type World, world } from "./world/world.ts";

/** Frames of the ledger's newest segment that has records: where each record begins, by lsn. */
function newestRecords(home: string): { readonly path: string; readonly at: ReadonlyMap<number, number> } {
  const ledger = join(folders.journal(home), "ledger");
  const segments = readdirSync(ledger).filter((name) => name.endsWith(".seg"));
  for (const name of segments.sort().reverse()) {
    const path = join(ledger, name);
    const b = readFileSync(path);
    const at = new Map<number, number>();
    for (let i = 192; i < b.length; i += b.readUInt32LE(i)) if (b[i + 48] === 1) at.set(Number(b.readBigUInt64LE(i + 56)), i);
    if (at.size > 0) return { path, at };
  }
  throw new Error("the ledger has no record");
}

/** The ledger ends before this record from now on, its seal with it. */
function cutBefore(home: string, lsn: number): void {
  const { path, at } = newestRecords(home);
  truncateSync(path, at.get(lsn)!);
  rmSync(path.replace(/seg$/, "idx"), { force: true });
}

/** Host and keeper are gone; sessions run on. */
async function stopped(w: World): Promise<void> {
  const client = await w.connect();
  await client.down();
  w.close(client);
  await hostDown({ home: w.home, end: false });
}

/** What the files' check finds wrong, with what was named as witness: each with its first record. */
async function wrong(w: World, ...named: string[]): Promise<string[]> {
  const sources = [...named.map((from) => ({ from, isNamed: true })), { from: files.witnessed(w.home), isNamed: false }];
  const found: string[] = [];
  for await (const f of verifyAudit(w.home, () => {}, sources)) if (!f.ok) found.push(`${f.lsn ?? ""} ${f.problem}`);
  return found;
}

const alarmsOf = (client: HostClient): string[] => {
  const found: string[] = [];
  client.witness.onAlarm((alarm) => found.push(`${alarm.code} ${alarm.details["found"]}`));
  return found;
};

test("newest records that are cut off are found by a client that comes back, by the files' check and by the host; the session stays in reach", async () => {
  const w = await world();
  const client = await w.connect();
  const session = await w.open(client, { name: "work", script: "cat" });
  const states: string[] = [];
  const attachment = await client.attach({ session: session.id }, { link: (state) => states.push(state) });
  await attachment.input(bytes("typed\n"));
  const head = await client.witness.head();
  const alarms = alarmsOf(client);
  await stopped(w);
  cutBefore(w.home, head.lsn - 2);
  expect(await wrong(w)).toEqual([expect.stringMatching(`^${head.lsn - 2} truncated: `)]);
  await w.start();
  // A host that has started records that, and may have passed the head again by then.
  await fact("the client that came back tells of it", () => /^witness_contradicted (truncated|forked)$/.test(alarms[0] ?? ""));
  await fact("and is attached again", () => states.filter((s) => s === "attached").length > 1);
  expect((await attachment.input(bytes("and on\n"))).status).toBe(InputStatus.APPLIED);
  const status = await client.status();
  expect(status.witnessAlarms).toMatchObject([{ head: { lsn: BigInt(head.lsn) } }]);
  const doctor = await hold(w, "doctor");
  expect(doctor.out).toMatch(/WRONG\s+record\s+it contradicts record/);
});

test("a home that is put back to an older copy is found by the command line, by the relay and by a head on paper, until somebody accepts it", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const folder = w.path("relay");
  const local = await w.connect();
  const address = await relay.joinedBy(local, "box");
  await held(w, "new", "work");
  const copy = w.path("copy");
  cpSync(w.home, copy, { recursive: true, filter: (path) => !path.startsWith(folders.run(w.home)) });
  await held(w, "send", "work", "echo more");
  const paper = w.path("heads.txt");
  writeFileSync(paper, `${await held(w, "audit", "heads")}\n`);
  const [head] = parseHeads(readFileSync(paper, "utf8"));
  const kept = async (): Promise<number> =>
    parseHeads((await hold(w, "relay", "heads", "box", "--folder", folder)).out).at(-1)?.lsn ?? 0;
  // A relay is told at once when a session ends.
  await held(w, "kill", "work");
  const ended = await fact(
    "the relay has kept what came after the copy",
    async () => ((await kept()) > head!.lsn ? kept() : null),
    20_000,
  );
  const sound = await hold(w, "audit", "verify", "--witness", paper, "--witness", relay.url);
  expect([sound.code, sound.out]).toEqual([0, expect.stringContaining(`witnessed up to record ${ended}`)]);
  expect(sound.out).toContain(relay.url);

  await stopped(w);
  const run = w.path("run");
  renameSync(folders.run(w.home), run);
  rmSync(w.home, { recursive: true });
  cpSync(copy, w.home, { recursive: true });
  renameSync(run, folders.run(w.home));
  const found = (await wrong(w, paper)).join("\n");
  expect(found).toMatch(/truncated: .*heads\.txt saw record/);
  expect(found).toContain(`${relay.url} saw record ${ended}`);

  await w.start();
  const listed = await hold(w, "ls");
  expect([listed.code, listed.err]).toEqual([0, expect.stringMatching(/\[witness_contradicted\] .*put back to an older copy/)]);
  await fact("the relay shows it", async () => /CONTRADICTED/.test(await held(w, "relay", "hosts", "--folder", folder)));
  const heads = await hold(w, "relay", "heads", "box", "--folder", folder);
  expect([heads.code, heads.err]).toEqual([1, expect.stringContaining("the host contradicted record")]);
  // Somebody far away, who has seen nothing of this host yet, is told what the relay has kept.
  const far = await hold(w, "--host", address, "audit", "heads");
  expect([far.code, far.err]).toEqual([1, expect.stringContaining("[witness_contradicted] the relay has kept record")]);

  await held(w, "audit", "accept", "--yes");
  expect((await hold(w, "relay", "heads", "box", "--folder", folder, "--accept")).code).toBe(0);
  const after = await hold(w, "ls");
  expect([after.code, after.err]).toEqual([0, expect.not.stringContaining("witness")]);
  expect((await (await w.connect()).status()).witnessAlarms).toEqual([]);
}, 60_000);

test("a chain written anew from record k on: without the key by its seals, with it by who has seen record k or later, and by nobody else", async () => {
  const w = await world();
  const session = await w.open(await w.connect(), { name: "work", script: "cat" });
  const client = await w.connect();
  for (let i = 0; i < 5; i++) await client.send(session.id, bytes(`line ${i}\n`));
  const paper = w.path("heads.txt");
  writeFileSync(paper, `${await held(w, "audit", "heads")}\n`);
  const witnessed = parseHeads(readFileSync(paper, "utf8"))[0]!.lsn;
  for (let i = 0; i < 5; i++) await client.send(session.id, bytes(`later ${i}\n`));
  await client.kill(session.id);
  await stopped(w);
  const sound = w.path("sound");
  cpSync(w.home, sound, { recursive: true, filter: (path) => !path.startsWith(folders.run(w.home)) });

  /** Everything from record `k` on is another's, signed by `key`. */
  const anew = async (k: number, key: Buffer): Promise<string[]> => {
    rmSync(folders.journal(w.home), { recursive: true });
    cpSync(folders.journal(sound), folders.journal(w.home), { recursive: true });
    // What this user's own clients have seen is gone too.
    rmSync(files.witnessed(w.home), { force: true });
    cutBefore(w.home, k);
    const journal = openJournal(new NodeDisk(), {
      folder: folders.journal(w.home),
      now: () => ({ wallMs: Date.now(), monoNs: process.hrtime.bigint() }),
      randomBytes: systemRandom,
      auditKey: key,
    });
    for (let i = 0; i < 40; i++)
      journal.append({
        ...{ session: session.id, kind: 20, actor: "somebody-else", via: "cli", meta: new Uint8Array(0) },
        ...{ wallMs: Date.now(), monoNs: process.hrtime.bigint() },
      });
    await journal.close();
    return wrong(w, paper);
  };
  const own = createPrivateKey(readFileSync(files.auditKey(w.home))).export({ format: "der", type: "pkcs8" });
  const strangers = generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" });

  expect(await anew(witnessed + 2, strangers)).toContainEqual(expect.stringContaining("not signed by this key"));
  for (const k of [witnessed - 1, witnessed])
    expect(await anew(k, own)).toEqual([
      expect.stringMatching(`^${witnessed} chain: .*heads.txt holds another head for this record`),
    ]);
  // P8's limit: what nobody has seen, who holds the key may write anew.
  expect(await anew(witnessed + 1, own)).toEqual([]);
});

test("a guest of one session keeps heads too, and accepts nothing for the host", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "shown", script: "cat" });
  const { token, hostKey } = await admin.invite({ session: session.id, role: "observer", ttlMs: 60_000 });
  const dial = (accept: Parameters<typeof connectUnix>[1]) => connectUnix(files.socket(w.home), accept);
  await joinHost({ home: w.home, dial, hostKey, token, name: "guest" });
  const guest = await w.connect("guest");
  const head = await guest.witness.head();
  expect(head.lsn).toBeGreaterThan(0);
  expect(await guest.witness.compare(head)).toMatch(/^(same|later)$/);
  expect(await guest.witness.accept()).toEqual({ atHost: false });
  await expect(guest.list()).resolves.toHaveLength(1);
});

test("heads of another host, forged ones and none at all are no witness that was named", async () => {
  const w = await world();
  const line = await held(w, "audit", "heads");
  const named = async (text: string): Promise<string[]> => {
    writeFileSync(w.path("heads.txt"), text);
    return wrong(w, w.path("heads.txt"));
  };
  expect(await named(line)).toEqual([]);
  expect(await named(line.replace(/^[0-9a-f]{8}/, "00000000"))).toEqual([expect.stringContaining("heads of other hosts")]);
  expect(await named(line.replace(/ \d+ /, " 9007199254740991 "))).toEqual([expect.stringContaining("has not signed")]);
  expect(await named("nothing")).toEqual([expect.stringContaining("holds no head")]);
  expect(await named(`${await held(w, "audit", "export")}\n`)).toEqual([]);
});

test("a kill, a redaction, a removal, a restart and a home that moves to another place make no alarm", async () => {
  const w = await world();
  const client = await w.connect();
  const alarms = alarmsOf(client);
  const session = await w.open(client, { name: "work", script: "cat" });
  const states: string[] = [];
  const attachment = await client.attach({ session: session.id }, { link: (state) => states.push(state) });
  await attachment.input(bytes("typed\n"));
  await client.witness.head();
  await w.killHost();
  await fact("the client is back", () => states.filter((state) => state === "attached").length > 1);
  await client.redact(session.id, { from: 1, to: 20 });
  await client.kill(session.id);
  await client.remove(session.id);
  await client.witness.head();
  await stopped(w);
  const there = machine(w, "there");
  cpSync(w.home, there.home, { recursive: true, filter: (path) => !path.startsWith(folders.run(w.home)) });
  const moved = { env: { ...there.env, XDG_CONFIG_HOME: w.env["XDG_CONFIG_HOME"]! } };
  await startHost({ home: there.home, env: moved.env, timeoutMs: 60_000, program });
  const listed = await hold(moved, "ls", "--all");
  await held(moved, "host", "down");
  expect([listed.code, listed.err]).toEqual([0, expect.not.stringContaining("witness")]);
  expect(alarms).toEqual([]);
});
