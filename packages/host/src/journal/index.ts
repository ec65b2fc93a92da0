/** The journal: contract in journal.ts, bytes in docs/journal.md. */
import { randomBytes } from "node:crypto";
import type { Disk } from "./disk.ts";
import { errorCode, JournalError } from "./fault.ts";
import { VERSION } from "./format.ts";
import type { Journal, JournalOptions } from "./journal.ts";
import { Ledger, Signer } from "./ledger.ts";
import { LiveJournal } from "./live.ts";
import { PayloadStore } from "./payload-store.ts";
import { type Recovered, recover, skipOf } from "./recover.ts";
import { Reserve } from "./reserve.ts";
import { Suspects } from "./suspect.ts";
import { Writer } from "./writer.ts";

const DEFAULT_RESERVE_BYTES = 8 * 1024 * 1024;
const PAYLOAD_FILE_BYTES = 4 * 1024 * 1024;

/** Opens a journal, recovering what an earlier life left. Throws {@link JournalError}, or FormatError for a newer format. */
export function openJournal(disk: Disk, options: JournalOptions): Journal {
  try {
    return open(disk, options);
  } catch (error) {
    if (error instanceof Error && "code" in error) {
      const full = errorCode(error) === "ENOSPC" || errorCode(error) === "EDQUOT";
      if (error instanceof JournalError) throw error;
      throw new JournalError(
        full ? "disk_full" : "journal_unwritable",
        `the journal in ${options.folder} cannot be opened: ${error.message}`,
        error,
      );
    }
    throw error;
  }
}

function open(disk: Disk, options: JournalOptions): Journal {
  const { folder } = options;
  const isNew = !disk.exists(folder);
  for (const sub of ["", "/ledger", "/payload", "/torn", "/fold"]) if (!disk.exists(folder + sub)) disk.mkdir(folder + sub);
  disk.syncFolderNow(folder);
  if (isNew) disk.syncFolderNow(folder.slice(0, folder.lastIndexOf("/")) || "/");
  const suspects = new Suspects(disk, folder);
  const recovered = recover(disk, folder, suspects, options.isExcerpt ?? false);
  const signer = new Signer(options.auditKey);
  const ledger = new Ledger(
    disk,
    `${folder}/ledger`,
    recovered.life,
    options.bootId ?? "",
    signer,
    options.randomBytes,
    recovered.nextIndex,
  );
  ledger.start({ flags: 0, firstLsn: recovered.lastLsn + 1, head: recovered.head, ...options.now() });
  const payloads = new PayloadStore(
    disk,
    `${folder}/payload`,
    recovered.life,
    options.randomBytes,
    options.payloadFileBytes ?? PAYLOAD_FILE_BYTES,
    suspects,
  );
  for (const { session, no } of recovered.inherited) payloads.inherit(session, no);
  const reserve = new Reserve(disk, `${folder}/reserve`, options.reserveBytes ?? DEFAULT_RESERVE_BYTES);
  const writer = new Writer(disk, options, recovered, ledger, payloads, reserve, suspects);
  const journal = new LiveJournal(disk, options, signer, recovered, ledger, payloads, writer);
  writer.note({ type: "opened", life: recovered.life, bootId: options.bootId ?? "", version: VERSION });
  for (const event of recovered.events) {
    writer.note(event);
    if (event.type === "damaged") ledger.segment.skips.push(skipOf(event));
  }
  redo(recovered, journal, payloads, writer);
  if (recovered.events.length > 0) ledger.syncNow();
  for (const cut of recovered.cuts) {
    const file = disk.open(`${folder}/${cut.name}`, "readwrite");
    try {
      file.truncate(cut.bytes);
    } finally {
      file.close();
    }
    suspects.secure([cut.name]);
  }
  // A sidecar says that all that its segment names is on the disk.
  if (recovered.scanned.length > 0) {
    payloads.secureInherited();
    disk.syncFolderNow(`${folder}/payload`);
  }
  suspects.secureRest();
  for (const { segment, fileBytes } of recovered.scanned) writer.saveSidecar(segment, fileBytes);
  reserve.hold();
  return journal;
}

/** Erasures and removals that the ledger's unsealed end notes: whether they were done is not known, so they are done again. */
function redo(recovered: Recovered, journal: LiveJournal, payloads: PayloadStore, writer: Writer): void {
  for (const { session, seqs } of recovered.erasures) {
    const state = recovered.catalogue.sessions.get(session);
    if (state !== undefined) journal.redo(state, seqs);
  }
  for (const { state, throughFile } of recovered.removals) {
    const files = payloads.files(state.id).filter((f) => f.no <= throughFile);
    journal.wipe(state, files);
    payloads.unlist(state.id, files);
  }
  if (recovered.erasures.length + recovered.removals.length > 0) writer.syncErasures();
}

export const systemRandom = (n: number): Uint8Array => randomBytes(n);
export type * from "./disk.ts";
export { type ExportedGap, type ExportedRecord, type ExportFilter, exportRecords, type Reached, recordsBack } from "./export.ts";
export { FormatError, JournalError } from "./fault.ts";
export { describeFinding, type Finding, type FindingKind, type VerifyReport, type Witness } from "./finding.ts";
export type * from "./journal.ts";
export { NodeDisk } from "./node-disk.ts";
export { decodeOwn, OWN_KIND, OWN_SESSION, type OwnEvent } from "./own.ts";
export { type Progress, verifyJournal, verifySteps } from "./verify.ts";
