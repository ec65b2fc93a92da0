/** Two verifiers that share no code must agree: ours and `verify.py`, written from docs/journal.md (reliability T-82). */
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { NodeDisk, openJournal, systemRandom, verifyJournal } from "./index.ts";

const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 9)]);
const spki = createPublicKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })).export({
  type: "spki",
  format: "der",
});
const script = join(import.meta.dirname, "verify.py");
const root = mkdtempSync(join(tmpdir(), "holdfast-verify-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Small, seeded. */
function random(seed: number): (n: number) => number {
  let a = (seed * 2654435761) >>> 0;
  return (n) => (a = (Math.imul(a ^ (a >>> 15), 2246822519) + 3266489917) >>> 0) % n;
}

async function log(seed: number): Promise<{ folder: string; head: { lsn: number; chain: Uint8Array } }> {
  const folder = join(root, `log-${seed}`);
  const pick = random(seed);
  let wallMs = Date.UTC(2026, 0, 1);
  const now = (): { wallMs: number; monoNs: bigint } => ({ wallMs: ++wallMs, monoNs: BigInt(wallMs) });
  const options = {
    folder,
    now,
    randomBytes: systemRandom,
    auditKey: pkcs8,
    segmentBytes: 3000,
    payloadFileBytes: 3000,
    payloadBytes: 6000,
    reserveBytes: 0,
    recordDays: 1,
  };
  let journal = openJournal(new NodeDisk(), options);
  for (let i = 0; i < 60 + pick(60); i++) {
    const size = [0, 3, 80, 256, 257, 900][pick(6)]!;
    journal.append({
      session: `s${pick(3)}`,
      kind: pick(200),
      actor: `op${pick(4)}é`,
      via: "cli",
      meta: Buffer.from(`{"i":${i}}`),
      ...now(),
      stream: pick(3),
      offset: i,
      ...(size === 0 ? {} : { payload: Buffer.alloc(size, 65 + pick(26)) }),
    });
    if (pick(12) === 0) journal.tick();
    if (pick(15) === 0) journal.erase("s1", [1 + pick(10)]);
    if (pick(25) === 0) journal.prune("s0", 1_000_000);
    if (pick(40) === 0) wallMs += 2 * 86_400_000;
    if (pick(30) === 0) {
      await journal.close();
      journal = openJournal(new NodeDisk(), options);
    }
  }
  if (pick(3) === 0) journal.remove("s2");
  const head = journal.head();
  await journal.close();
  return { folder, head };
}

function verdicts(folder: string, head?: { lsn: number; chain: Uint8Array }) {
  const ours = verifyJournal(new NodeDisk(), folder, spki, undefined, head === undefined ? [] : [head]);
  let theirs: string;
  try {
    theirs = execFileSync(
      "python3",
      [script, folder, ...(head === undefined ? [] : [`${head.lsn}:${Buffer.from(head.chain).toString("hex")}`])],
      { encoding: "utf8" },
    );
  } catch (error) {
    theirs = (error as { stdout: string }).stdout;
  }
  return {
    ours,
    theirs: JSON.parse(theirs) as {
      ok: boolean;
      records: number;
      redacted: number;
      pruned: number;
      findings: { file: string; position: number; lsn: number }[];
    },
  };
}

const SOAK = process.env["HOLDFAST_SOAK"] === "1";

test("both verifiers accept generated logs and count the same records, redactions and prunings", {
  timeout: 120_000,
}, async () => {
  for (let seed = 1; seed <= (SOAK ? 50 : 5); seed++) {
    const { folder, head } = await log(seed);
    const { ours, theirs } = verdicts(folder, head);
    expect(ours.findings, `seed ${seed}`).toEqual([]);
    expect(theirs, `seed ${seed}`).toMatchObject({
      ok: true,
      findings: [],
      records: ours.records,
      redacted: ours.redacted,
      pruned: ours.pruned,
    });
  }
});

test("both verifiers name the same records, whatever was changed", { timeout: 300_000 }, async () => {
  const { folder, head } = await log(100);
  const pick = random(7);
  for (let round = 0; round < (SOAK ? 200 : 16); round++) {
    const copy = join(root, "changed");
    rmSync(copy, { recursive: true, force: true });
    cpSync(folder, copy, { recursive: true });
    const paths = [
      ...readdirSync(join(copy, "ledger"))
        .filter((n) => n.endsWith(".seg"))
        .map((n) => join(copy, "ledger", n)),
      ...readdirSync(join(copy, "payload")).map((n) => join(copy, "payload", n)),
    ];
    const path = paths[pick(paths.length)]!;
    const bytes = readFileSync(path);
    const how = pick(10);
    if (how === 0) unlinkSync(path);
    else if (how === 1) writeFileSync(path, bytes.subarray(0, pick(bytes.length)));
    else {
      const at = pick(bytes.length);
      bytes[at]! ^= 1 << pick(8);
      writeFileSync(path, bytes);
    }
    const { ours, theirs } = verdicts(copy, head);
    const where = `round ${round}, ${path}, ${how}: ours ${JSON.stringify(ours.findings[0])}, theirs ${JSON.stringify(theirs.findings[0])}`;
    expect(theirs.ok, where).toBe(ours.ok);
    const named = (findings: readonly { lsn: number | null }[]): unknown[] => findings.map((f) => f.lsn).sort((a, b) => a! - b!);
    expect(named(theirs.findings), where).toEqual(named(ours.findings));
  }
});
