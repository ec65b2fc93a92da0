/** A power cut at the end of a world, on an image of its disk: what was durable is there, and nothing else than was written. */
import { openJournal, type Entry } from "@holdfast/host/journal";
import type { SimFS } from "../disk/index.ts";
import { checkDisk } from "./checks.ts";
import { AUDIT_KEY, JOURNAL_FOLDER } from "./life.ts";
import type { World } from "./world.ts";

export interface Memory {
  readonly entries: ReadonlyMap<number, string>;
  readonly durableLsn: number;
}

const said = (e: Entry): string =>
  `${e.lsn} ${e.kind} ${e.actor} ${e.offset} ${Buffer.from(e.meta).toString("latin1")}|${Buffer.from(e.payload).toString("latin1")}`;

export function remember(world: World): Memory {
  const entries = new Map<number, string>();
  for (const e of world.entries()) if (!("gap" in e)) entries.set(e.seq, said(e));
  return { entries, durableLsn: world.life.journal.durableLsn };
}

export async function checkPowerLoss(world: World, memory: Memory, image: SimFS): Promise<void> {
  const { clock } = world.scheduler;
  const journal = openJournal(image, {
    folder: JOURNAL_FOLDER,
    now: () => ({ wallMs: clock.wallMs(), monoNs: clock.monoNs() }),
    randomBytes: (n) => world.random.bytes(n),
    auditKey: AUDIT_KEY,
    bootId: "boot-after",
    reserveBytes: 0,
    segmentBytes: 256 * 1024,
    payloadFileBytes: 128 * 1024,
  });
  let last = 0;
  for (;;) {
    const some = journal.read(world.session, last, 1024 * 1024);
    if (some.length === 0) break;
    for (const e of some) {
      if ("gap" in e) {
        for (let seq = e.fromSeq; seq <= e.toSeq; seq++) lost(world, memory, seq, `a gap (${e.reason})`);
        last = e.toSeq;
        continue;
      }
      if (e.seq !== last + 1) world.violation(`V4: after a power cut ${e.seq} follows ${last}, and no gap says so`);
      last = e.seq;
      const before = memory.entries.get(e.seq);
      if (e.payloadState !== "present" && e.payloadState !== "none") lost(world, memory, e.seq, e.payloadState);
      else if (before !== said(e)) world.violation(`V4: after a power cut record ${e.seq} is not what it was`);
    }
  }
  for (const seq of memory.entries.keys()) if (seq > last) lost(world, memory, seq, "gone");
  await world.finish(journal.close());
  checkDisk(world, image, memory.durableLsn);
}

function lost(world: World, memory: Memory, seq: number, how: string): void {
  const lsn = Number(memory.entries.get(seq)?.split(" ")[0] ?? 0);
  if (lsn > 0 && lsn <= memory.durableLsn)
    world.violation(`V4: record ${seq} (lsn ${lsn} of ${memory.durableLsn} durable) is ${how} after a power cut`);
}
