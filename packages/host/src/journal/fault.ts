/** The one fault class of the journal. Messages start with the code; `cause` is the disk's error and stays on this side of the wire. */
import type { JournalFault } from "./journal.ts";

export class JournalError extends Error implements JournalFault {
  readonly code: JournalFault["code"];
  constructor(code: JournalFault["code"], text: string, cause?: unknown) {
    super(`[${code}] ${text}`, { cause });
    this.name = "JournalError";
    this.code = code;
  }
}

/** Bytes that this version may not interpret: a newer format, or an unknown critical frame. Never guessed around. */
export class FormatError extends Error {
  constructor(text: string) {
    super(`[journal_format] ${text}`);
    this.name = "FormatError";
  }
}

export const errorCode = (error: unknown): string => (error as { code?: string } | null)?.code ?? "";
