/**
 * A message of the Jupyter protocol, as the bytes that its sender wrote: four JSON texts and any number of buffers. Nobody here
 * writes again what a kernel said, so whoever reads the record later reads what the kernel sent.
 *
 *   M1  A header that leaves for a kernel names who the host says acts: `username` and `operator` are the host's, whatever a client
 *       put there, and so is `session`. A kernel answers with the whole header as parent, so its output names the operator too.
 *   M2  Which channel a request travels on is its type's, from one table; what is not in it travels on shell.
 * Pure. Bytes on a socket: frames.ts.
 */

/** The channels of a kernel. `iopub` only speaks, `stdin` only asks and is answered. */
export type Channel = "shell" | "control" | "stdin" | "iopub";
export const channels: readonly Channel[] = ["shell", "control", "stdin", "iopub"];

export interface Message {
  /** Exact JSON in UTF-8, each an object; an absent parent is `{}`. */
  readonly header: Uint8Array;
  readonly parent: Uint8Array;
  readonly metadata: Uint8Array;
  readonly content: Uint8Array;
  readonly buffers: readonly Uint8Array[];
}

/** Fields that everybody sends; kernels and clients add others, which stay. */
export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  /** ISO 8601. Kernels write it anew: compare `msg_id`, never whole headers. */
  readonly date: string;
  readonly version: string;
  readonly subshell_id?: string | null;
  readonly operator?: HeaderOperator;
}

/** M1: who acts, as it comes back on every message that the request causes. */
export interface HeaderOperator {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  /** The interface: `cli`, `page`, `mcp`, `http`, … */
  readonly via?: string;
  /** For whom an AI acts. */
  readonly onBehalfOf?: string;
}

/** The version that requests claim: every kernel that was tried takes it. */
export const PROTOCOL_VERSION = "5.3";

const CONTROL = new Set([
  "shutdown_request",
  "interrupt_request",
  "debug_request",
  "create_subshell_request",
  "delete_subshell_request",
  "list_subshell_request",
]);

/** M2. */
export function channelOf(msgType: string): Channel {
  if (msgType === "input_reply") return "stdin";
  return CONTROL.has(msgType) ? "control" : "shell";
}

export interface Request {
  readonly msgId: string;
  readonly msgType: string;
  readonly session: string;
  readonly operator: HeaderOperator;
  /** ISO 8601. */
  readonly date: string;
  readonly content: object;
  /** The header of what this answers or belongs to; an `input_reply` has that of its prompt. Default none. */
  readonly parent?: object;
  /** Default {}. */
  readonly metadata?: object;
  readonly buffers?: readonly Uint8Array[];
  /** A header that a client made: what else it says is kept (M1). */
  readonly clientHeader?: object;
}

/** A message for a kernel. */
export function request(of: Request): Message {
  const header = {
    ...of.clientHeader,
    msg_id: of.msgId,
    msg_type: of.msgType,
    session: of.session,
    username: of.operator.name,
    date: of.date,
    version: PROTOCOL_VERSION,
    operator: of.operator,
  };
  return {
    header: json(header),
    parent: json(of.parent ?? {}),
    metadata: json(of.metadata ?? {}),
    content: json(of.content),
    buffers: of.buffers ?? [],
  };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

/** The object that these bytes are, or null: no JSON, not UTF-8, or not an object. */
export function parsed(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** What everybody must know of a header, or null where it does not say so. Tolerates whatever else is in it. */
export function headOf(
  header: Uint8Array,
): { readonly msgId: string; readonly msgType: string; readonly session: string } | null {
  const fields = parsed(header);
  if (typeof fields?.msg_id !== "string" || typeof fields.msg_type !== "string") return null;
  return { msgId: fields.msg_id, msgType: fields.msg_type, session: typeof fields.session === "string" ? fields.session : "" };
}

/** The request that a message belongs to; empty if it says none. */
export function parentOf(message: Message): string {
  const id = parsed(message.parent)?.msg_id;
  return typeof id === "string" ? id : "";
}
