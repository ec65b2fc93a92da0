/** A seeded stretch of a host's life with a journal, and what it may claim at each moment. */
import type { Disk, Journal } from "@holdfast/host/journal";
import { seededRandom } from "./crash.ts";
import { type Clock, draft, isGap, journalOptions, open, readAll, type Said, said } from "./scene.ts";

export interface Claims {
  /** Everything an append returned for, by lsn. */
  readonly appended: Map<number, Said>;
  /** Session and seq whose payload was erased, or may have been in the call that was cut. */
  readonly erased: Set<string>;
  readonly refused: unknown[];
  durableLsn: number;
}

export const newClaims = (): Claims => ({ appended: new Map(), erased: new Set(), refused: [], durableLsn: 0 });

/** Appends, syncs, seals, erasures and folds; faults are noted, a frozen journal is probed. */
export async function live(
  disk: Disk,
  clock: Clock,
  seed: number,
  steps: number,
  claims: Claims,
  journal = open(disk, journalOptions(clock, seed)),
): Promise<Journal> {
  const random = seededRandom(seed);
  const pick = (n: number): number => Math.floor(random() * n);
  const syncs: Promise<void>[] = [];
  for (let i = 0; i < steps; i++) {
    try {
      const what = pick(20);
      if (what < 14) {
        const session = `s${pick(4)}`;
        const size = [0, 1, 5, 40, 256, 257, 700, 1500][pick(8)]!;
        const payload =
          size === 0 ? undefined : `${session}.${i}.`.padEnd(size, String.fromCharCode(97 + (i % 26))).slice(0, size);
        const entry = journal.append(
          draft(clock, session, payload, { stream: 1, offset: i, actor: ["ana", "bo", "ai"][pick(3)]! }),
        );
        claims.appended.set(entry.lsn, said(entry));
      } else if (what < 17) {
        const { lsn } = journal.head();
        const sync = journal.durable(lsn).then(
          () => {
            claims.durableLsn = Math.max(claims.durableLsn, lsn);
          },
          (fault: unknown) => {
            claims.refused.push(fault);
          },
        );
        syncs.push(sync);
        if (what === 16) await sync;
      } else if (what === 17) {
        const tail = journal.tail(`s${pick(4)}`);
        if (tail !== null) {
          const seq = 1 + pick(tail.lastSeq);
          claims.erased.add(`${tail.session} ${seq}`);
          journal.erase(tail.session, [seq]);
        }
      } else if (what === 18) {
        if (pick(2) === 0) journal.tick();
        else journal.seal();
      } else journal.saveFold("s1", journal.tail("s1")?.lastSeq ?? 0, Buffer.from(`fold ${i}`));
    } catch (fault) {
      claims.refused.push(fault);
      if (journal.frozen !== null) journal.thaw();
    }
  }
  await Promise.all(syncs);
  if (journal.frozen !== null) journal.thaw();
  return journal;
}

/** I1 to I3 and I6 over what a recovered journal shows. Returns what is wrong, in words. */
export function broken(journal: Journal, claims: Claims): string[] {
  const wrong: string[] = [];
  const shown = new Set<number>();
  let largest = 0;
  for (const tail of journal.tails()) {
    if (tail.session === "host") continue;
    let expected = 1;
    for (const e of readAll(journal, tail.session)) {
      if (isGap(e)) {
        if (e.fromSeq !== expected) wrong.push(`I2 ${tail.session}: a gap from ${e.fromSeq} where ${expected} belongs`);
        expected = e.toSeq + 1;
        continue;
      }
      if (e.seq !== expected) wrong.push(`I2 ${tail.session}: ${e.seq} where ${expected} belongs`);
      expected = e.seq + 1;
      shown.add(e.lsn);
      largest = Math.max(largest, e.lsn);
      const claim = claims.appended.get(e.lsn);
      const mayBeErased = claims.erased.has(`${e.session} ${e.seq}`);
      if (claim === undefined) wrong.push(`I3 ${e.session} ${e.seq} (lsn ${e.lsn}) was never appended`);
      else if (e.payloadState === "present" || e.payloadState === "none") {
        if (said(e).text !== claim.text || e.session !== claim.session || e.seq !== claim.seq)
          wrong.push(`I6 lsn ${e.lsn} differs: ${said(e).text} was ${claim.text}`);
      } else if (e.lsn <= claims.durableLsn && !mayBeErased)
        wrong.push(`I1 payload of durable lsn ${e.lsn} (${e.session} ${e.seq}) is ${e.payloadState}`);
    }
    if (expected !== tail.lastSeq + 1)
      wrong.push(`I2 ${tail.session}: the read ends at ${expected - 1}, the tail at ${tail.lastSeq}`);
  }
  for (const lsn of claims.appended.keys())
    if (lsn <= claims.durableLsn && !shown.has(lsn))
      wrong.push(`I1 durable lsn ${lsn} (${claims.appended.get(lsn)!.session} ${claims.appended.get(lsn)!.seq}) is lost`);
  return wrong;
}
