/** When heads are told, what alarms are kept over a restart, and what is shown of a damaged ledger. */
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MonotonicMs } from "@holdfast/core";
import type { SignedHead } from "@holdfast/protocol";
import { Alarms, HostWitness } from "@holdfast/host";
import { expect, onTestFinished, test } from "vitest";
import { Clock, draft, FOLDER, journalOptions, open } from "./scene.ts";
import { SimFS } from "./sim-fs.ts";

type Body = Parameters<ConstructorParameters<typeof HostWitness>[0]["record"]>[1];

const { privateKey: key } = generateKeyPairSync("ed25519");
const identity = { key, publicKey: createPublicKey(key).export({ format: "der", type: "spki" }).subarray(12) };

function scene(disk = new SimFS(), clock = new Clock(), alarms = Alarms.open(null)) {
  const journal = open(disk, journalOptions(clock, 1));
  const recorded: Body[] = [];
  const witness = new HostWitness({
    ...{ journal, identity, alarms },
    clock: {
      monoMs: () => MonotonicMs(Number(clock.monoNs / 1_000_000n)),
      monoNs: () => clock.monoNs,
      wallMs: () => clock.wallMs,
    },
    record: (_, body) => void recorded.push(body),
    log: () => {},
  });
  const told: number[] = [];
  const stop = witness.onHead(({ lsn }) => told.push(lsn));
  const write = async (): Promise<number> => {
    const { lsn } = journal.append(draft(clock, "s1", "typed"));
    await journal.durable(lsn);
    return lsn;
  };
  return { disk, clock, journal, witness, recorded, told, stop, write };
}

const place = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "hold-alarms-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "alarms.json");
};

test("a head is told at once after a quiet minute, then once a minute while something is recorded, and not while nothing is", async () => {
  const { clock, witness, told, write } = scene();
  const first = await write();
  witness.look();
  await write();
  witness.look();
  expect(told).toEqual([first]);
  clock.advance(60_000);
  const third = await write();
  witness.look();
  clock.advance(600_000);
  witness.look();
  expect(told).toEqual([first, third]);
});

test("the end of a session is told when it is durable, not a minute later, and is under a seal", async () => {
  const { journal, clock, witness, told, write, stop } = scene();
  const first = await write();
  witness.look();
  const { lsn } = journal.append(draft(clock, "s1", "its end"));
  witness.soon();
  expect(journal.nextWakeNs).toBeNull();
  witness.look();
  expect(told).toEqual([first]);
  await journal.durable(lsn);
  witness.look();
  expect(told).toEqual([first, lsn]);
  stop();
  await write();
  witness.soon();
  witness.look();
  expect(told).toEqual([first, lsn]);
});

test("an alarm is recorded once and known after a restart, 0600; accepted, it is over, and recorded", async () => {
  const path = place();
  const s = scene();
  await s.write();
  const copy = s.disk.copy();
  await s.write();
  const seen: SignedHead = await s.witness.fresh();
  await s.journal.close();

  const back = scene(copy, s.clock, Alarms.open(path));
  back.witness.present(seen, "ana");
  back.witness.present(seen, "ben");
  expect(back.recorded).toMatchObject([{ case: "headContradicted", value: { lsn: BigInt(seen.lsn), by: "ana" } }]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const again = Alarms.open(path);
  expect(again.all).toMatchObject([{ lsn: seen.lsn, by: "ana" }]);
  s.clock.advance(1_000);
  back.witness.accept({ id: "root", via: "cli" });
  expect(back.recorded.at(-1)).toMatchObject({ case: "witnessAccepted", value: { alarms: 1 } });
  const after = Alarms.open(path);
  expect([after.all, after.isNews(seen), after.isNews({ ...seen, atUnixMs: s.clock.wallMs + 1_000 })]).toEqual([[], false, true]);
});

test("a file of alarms that can't be read is none", () => {
  const path = place();
  writeFileSync(path, "{ half");
  expect(Alarms.open(path).all).toEqual([]);
});

test("behind damage the chain is still shown, and of the damaged record itself nothing is", async () => {
  const s = scene();
  const lsns: number[] = [];
  const heads: SignedHead[] = [];
  for (let i = 0; i < 6; i++) {
    lsns.push(await s.write());
    heads.push((await s.witness.fresh()) as SignedHead);
  }
  await s.journal.close();
  const path = `${FOLDER}/ledger/0000000001.seg`;
  const bytes = Buffer.from(s.disk.contents(path));
  for (let at = 192; at < bytes.length; at += bytes.readUInt32LE(at)) {
    if (bytes[at + 48] !== 1 || Number(bytes.readBigUInt64LE(at + 56)) !== lsns[2]) continue;
    // Its length too: frames after it are not found by that any more.
    bytes.fill(0xff, at, at + 60);
    break;
  }
  s.disk.put(path, bytes);
  const hurt = scene(s.disk, s.clock);
  expect(Buffer.from(hurt.witness.present(heads[4]!, "ana").chain as Uint8Array)).toEqual(Buffer.from(heads[4]!.chain));
  expect(hurt.witness.alarms).toEqual([]);
  expect((hurt.witness.present(heads[2]!, "ana").chain as Uint8Array).length).toBe(0);
  expect(hurt.witness.alarms).toMatchObject([{ found: "unshown", lsn: lsns[2] }]);
});
