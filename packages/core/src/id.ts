/** Branded numbers and ids, so that a byte offset is never passed for a sequence number. All numbers are safe integers. */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Position in one session's log: from 1, contiguous. 0 stands for "before the first". */
export type Seq = Brand<number, "Seq">;
/** Bytes inside one stream. */
export type Offset = Brand<number, "Offset">;
/** Counts grants of the floor; fences late input. */
export type Epoch = Brand<number, "Epoch">;
/** Milliseconds of a clock that never jumps and goes on while the machine sleeps. For deadlines. */
export type MonotonicMs = Brand<number, "MonotonicMs">;
/** Milliseconds since 1970, UTC. For records. */
export type UnixMs = Brand<number, "UnixMs">;

export const Seq = (n: number): Seq => n as Seq;
export const Offset = (n: number): Offset => n as Offset;
export const Epoch = (n: number): Epoch => n as Epoch;
export const MonotonicMs = (n: number): MonotonicMs => n as MonotonicMs;
export const UnixMs = (n: number): UnixMs => n as UnixMs;

export type SessionId = string;
export type OperatorId = string;
export type AttachmentId = string;
/** Names one client's stream of inputs over all its links: with `n` the identity of a frame. */
export type WriterId = string;

/** `human`, `service` or `ai`: what the host knows about an operator, never what a client says of itself. */
export type OperatorKind = "human" | "service" | "ai";

export interface Operator {
  readonly id: OperatorId;
  readonly name: string;
  readonly kind: OperatorKind;
}

/** The terminal model's own actor: replies to queries are bytes into the session, so they carry a name too. */
export const TERMINAL_ACTOR = "system:terminal";
export const HOST_ACTOR = "system:host";
