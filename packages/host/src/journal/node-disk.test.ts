/** The real disk: permissions, another uid, a small full file system. */
import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type Journal, NodeDisk, openJournal, systemRandom, verifyJournal } from "./index.ts";

const auditKey = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 9)]);
const now = (): { wallMs: number; monoNs: bigint } => ({ wallMs: Date.now(), monoNs: process.hrtime.bigint() });
const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const done of cleanUp.splice(0).reverse()) done();
});

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-journal-"));
  cleanUp.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
const open = (folder: string, reserveBytes = 0): Journal =>
  openJournal(new NodeDisk(), { folder, now, randomBytes: systemRandom, auditKey, reserveBytes });
const draft = (session: string, text: string) => ({
  session,
  kind: 1,
  actor: "ana",
  via: "cli",
  meta: Buffer.alloc(0),
  payload: Buffer.from(text),
  ...now(),
});
const isRoot = process.getuid?.() === 0;

test("files are 0600 and folders 0700 whatever the umask", async () => {
  const folder = join(temporary(), "state", "journal");
  const before = process.umask(0);
  const journal = open(folder, 1000);
  journal.append(draft("s1", "x".repeat(1000)));
  journal.saveFold("s1", 1, Buffer.from("fold"));
  await journal.close();
  process.umask(before);
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const s = statSync(join(folder, name));
    expect(`${name} ${(s.mode & 0o777).toString(8)}`).toBe(`${name} ${s.isDirectory() ? "700" : "600"}`);
  }
});

test("a journal that closes takes nothing more: behind its last seal stands no record", async () => {
  const folder = temporary();
  const journal = open(folder);
  journal.append(draft("s1", "before"));
  let isClosed = false;
  const closing = journal.close().then(() => {
    isClosed = true;
  });
  const turns: string[] = [];
  while (!isClosed) {
    try {
      journal.append(draft("s1", "meanwhile"));
      turns.push("taken");
    } catch {
      turns.push("refused");
    }
    await new Promise(setImmediate);
  }
  await closing;
  expect(turns.join(" ")).toMatch(/^(taken )*refused( refused)*$/);
  const key = createPrivateKey({ key: auditKey, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(key).export({ format: "der", type: "spki" });
  expect(verifyJournal(new NodeDisk(), folder, publicKey).findings).toEqual([]);
});

test("what was appended is there after the process that appended it forgot to close", () => {
  const folder = temporary();
  const journal = open(folder);
  for (let i = 0; i < 500; i++) journal.append(draft(`s${i % 7}`, `line ${i} `.repeat(1 + (i % 60))));
  const again = open(folder);
  expect(again.recovery).toEqual([]);
  for (let s = 0; s < 7; s++) {
    const texts = again.read(`s${s}`, 0, 1e9).map((e) => ("gap" in e ? "gap" : Buffer.from(e.payload).toString()));
    expect(texts).toEqual(
      Array.from({ length: Math.ceil((500 - s) / 7) }, (_, k) => `line ${s + k * 7} `.repeat(1 + ((s + k * 7) % 60))),
    );
  }
});

test("a folder opened twice over keeps the session's order across lives", async () => {
  const folder = temporary();
  for (let life = 0; life < 5; life++) {
    const journal = open(folder);
    expect(journal.append(draft("s1", `life ${life}`)).seq).toBe(life + 1);
    await journal.close();
  }
});

test.skipIf(!isRoot)("another uid with an unwritable folder is told so, and nothing is made", () => {
  const folder = temporary();
  chmodSync(folder, 0o755);
  const script = `
    import { NodeDisk, openJournal, systemRandom } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    const auditKey = Buffer.from(${JSON.stringify(auditKey.toString("hex"))}, "hex");
    try {
      openJournal(new NodeDisk(), { folder: process.argv[1], now: () => ({ wallMs: 0, monoNs: 0n }), randomBytes: systemRandom, auditKey });
      console.log("opened");
    } catch (error) {
      console.log(error.code, error.message);
    }`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script, folder], { encoding: "utf8" });
  expect(child.stdout, child.stderr).toMatch(/^journal_unwritable \[journal_unwritable\] .*EACCES/);
  expect(readdirSync(folder)).toEqual([]);
});

function tmpfs(bytes: number): string | null {
  const at = temporary();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "holdfast-test", at], { stdio: "ignore" });
  } catch {
    return null;
  }
  cleanUp.push(() => execFileSync("umount", [at]));
  return at;
}

test("a full 20 MiB file system: disk_full, no unlogged append, and on again when there is room", async (context) => {
  const at = isRoot ? tmpfs(20 * 1024 * 1024) : null;
  if (at === null) return context.skip("no tmpfs can be mounted here; the simulated disk covers it");
  writeFileSync(join(at, "ballast"), Buffer.alloc(6 * 1024 * 1024));
  const folder = join(at, "journal");
  mkdirSync(folder);
  const journal = open(folder, 8 * 1024 * 1024);
  let taken = 0;
  let fault: unknown;
  try {
    for (;;) {
      journal.append(draft("s1", `${taken} `.padEnd(30_000)));
      taken++;
    }
  } catch (error) {
    fault = error;
  }
  expect(fault).toMatchObject({ code: "disk_full" });
  expect(taken).toBeGreaterThan(100);
  expect(() => journal.append(draft("s1", "more"))).toThrow(/^\[journal_frozen\]/);
  await journal.durable(journal.head().lsn);
  rmSync(join(at, "ballast"));
  expect(journal.thaw()).toBe(true);
  expect(existsSync(join(folder, "reserve"))).toBe(true);
  expect(journal.append(draft("s1", "after")).seq).toBe(taken + 1);
  const all = journal.read("s1", 0, 1e9);
  expect(all.map((e) => ("gap" in e ? "gap" : e.payloadState))).toEqual(Array.from({ length: taken + 1 }, () => "present"));
  await journal.close();
});
