/** The journal's faults, told to operators: nothing runs unrecorded, so what could not be recorded was not done. */
import { HoldError } from "@holdfast/protocol";

const CODES = ["journal_frozen", "journal_unwritable", "disk_full"] as const;

export function isJournalFault(fault: unknown): fault is Error & { readonly code: (typeof CODES)[number] } {
  return (
    fault instanceof Error &&
    !(fault instanceof HoldError) &&
    (CODES as readonly unknown[]).includes((fault as { code?: unknown }).code)
  );
}

/** A journal's fault or a refusal as what a caller is told; rethrows anything else, which is a defect. */
export function refusalFrom(fault: unknown): HoldError {
  if (fault instanceof HoldError) return fault;
  if (!isJournalFault(fault)) throw fault;
  return new HoldError(
    fault.code,
    `${fault.message.replace(/^\[[a-z_]+\] /, "")}; nothing runs unrecorded, so this was not done`,
    {},
    { cause: fault },
  );
}
