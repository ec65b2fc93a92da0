/** What the host and the thread that reads its record say to each other. */
import type { AuditVerifyAnswer } from "@holdfast/protocol";
import type { AuditOrigin } from "../audit.ts";
import type { AuditAsk } from "./page.ts";

export type ToReader =
  | { readonly do: "read"; readonly id: number; readonly ask: AuditAsk }
  | { readonly do: "verify"; readonly id: number };

export type FromReader =
  /** Of an AuditReadAnswer: as records they are views of whole segments, which would all be copied. */
  | { readonly is: "page"; readonly id: number; readonly page: Uint8Array<ArrayBuffer> }
  | { readonly is: "progress"; readonly id: number; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly is: "verified"; readonly id: number; readonly answer: AuditVerifyAnswer }
  | { readonly is: "failed"; readonly id: number; readonly why: string };

export interface ReaderSettings {
  readonly home: string;
  /** Of a record that was copied. */
  readonly origin?: AuditOrigin;
}
