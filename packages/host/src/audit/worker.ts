/**
 * The thread that reads a host's own record for who asks over a link: it scans, hashes and checks signatures over whole segments, and the loop that
 * moves everybody's bytes has no part in it. It knows no host, only files (`../audit.ts`).
 */
import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { files, folders } from "@holdfast/carrier";
import { AuditFindingSchema, AuditReadAnswerSchema, AuditVerifyAnswerSchema, create, toBinary } from "@holdfast/protocol";
import { type AuditFinding, verifyAudit } from "../audit.ts";
import { NodeDisk } from "../journal/index.ts";
import { readPage } from "./page.ts";
import type { FromReader, ReaderSettings, ToReader } from "./wire.ts";

const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread only");
const { home, origin = null } = workerData as ReaderSettings;
const say = (message: FromReader): void => port.postMessage(message);
/** Behind everything that somebody waits for. */
const NICE = 10;
const MOST_FINDINGS = 100;

try {
  setPriority(Number(readlinkSync("/proc/thread-self").split("/").at(-1)), NICE);
} catch {
  // It runs as the host does.
}

port.on("message", (message: ToReader) => {
  const { id } = message;
  const failed = (fault: unknown): void => say({ is: "failed", id, why: fault instanceof Error ? fault.message : String(fault) });
  if (message.do === "verify") void verify(id).catch(failed);
  else {
    try {
      const page = Uint8Array.from(toBinary(AuditReadAnswerSchema, readPage(new NodeDisk(), folders.journal(home), message.ask)));
      port.postMessage({ is: "page", id, page } satisfies FromReader, [page.buffer]);
    } catch (fault) {
      failed(fault);
    }
  }
});

async function verify(id: number): Promise<void> {
  const wrong: AuditFinding[] = [];
  const notes: AuditFinding[] = [];
  let count = 0;
  const progress = (doneBytes: number, totalBytes: number): void => say({ is: "progress", id, doneBytes, totalBytes });
  const findings = verifyAudit(home, progress, [{ from: files.witnessed(home), isNamed: false }], origin);
  for await (const finding of findings) {
    if (finding.ok) notes.push(finding);
    else if (++count <= MOST_FINDINGS) wrong.push(finding);
  }
  const answer = create(AuditVerifyAnswerSchema, {
    wrong: BigInt(count),
    findings: [...wrong, ...notes.slice(0, MOST_FINDINGS)].map(
      ({ ok, file, position, problem, lsn = 0, session = "", seq = 0 }) =>
        create(AuditFindingSchema, {
          ok,
          file,
          position: BigInt(position),
          problem,
          lsn: BigInt(lsn),
          session,
          seq: BigInt(seq),
        }),
    ),
  });
  say({ is: "verified", id, answer });
}
