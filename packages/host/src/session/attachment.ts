/**
 * One operator's binding to one session, as the host holds it: where it reads, how much it may be sent, and the channel that
 * it is on. It keeps no bytes (core/attachment R4).
 */
import type { MonotonicMs, Reader, terminal, Window } from "@holdfast/core";
import type { HostBody } from "@holdfast/protocol";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { MaskedRecords } from "./masked-records.ts";

/** The channel that an attachment is on: part of a link. */
export interface Channel {
  readonly buffered: number;
  send(body: HostBody): void;
  /** An encoded HostFrame. */
  sendMessage(message: Uint8Array): void;
  /** Ends the channel from the host's side; the link goes on. */
  end(): void;
}

/** What an attachment is told of beside the records: of each the newest is enough. */
export type State = "floor" | "presence";

export interface HostAttachment {
  readonly id: string;
  readonly operator: RegisteredOperator;
  readonly via: string;
  /** How its bytes travel. */
  readonly carrier: string;
  /** Somebody on the way could read it and forge (carrier/link.ts). */
  readonly plain: boolean;
  readonly channel: Channel;
  readonly observing: boolean;
  readonly quiet: boolean;
  readonly noOutput: boolean;
  readonly writer: string;
  readonly scrollback: number;
  size: { cols: number; rows: number } | null;
  reader: Reader;
  /** How much may be under way, as measured; the client may bound it. */
  window: Window;
  maxWindow: number;
  /** When its client last used something; before that, never. */
  usedAt: MonotonicMs;
  /** For reading from the journal: takes queries out, and knows which seq it stands before. */
  filter: { readonly queries: terminal.QueryFilter; nextSeq: number } | null;
  /** An AI's, while the session has secrets (V6): what it is to be sent, read up to `readSeq`. */
  masked: { readonly records: MaskedRecords; readSeq: number; sentSeq: number; stop: (() => void) | null } | null;
  /** Nothing is sent before it has claimed its size, so that the first thing drawn is right. */
  ready: boolean;
  /** It has sent an interrupt into a flood: nothing is sent until that has hit. */
  isHeld: boolean;
  jumpsAgain: boolean;
  /** What its link had no room for: of each state the newest message. */
  readonly late: Map<State, Uint8Array>;
  over: boolean;
}

/** Bytes that may wait in this process for one link before its attachments are not sent more. */
export const HOP_BYTES = 512 * 1024;

/** The seat of an operator's calls, which have no attachment: one for all of them, so that a call after a call moves no floor. */
export function callSeat(operator: string): string {
  return `call:${operator}`;
}
