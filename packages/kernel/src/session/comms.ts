/**
 * Comms that are open, so that a client that comes late can rebuild what others see: of each how it was opened, and of widgets
 * the state as of now.
 *
 *   C1  A widget's state is its opening with every `update` laid over it, key by key; a buffer belongs to the key that its path begins
 *       with and goes when that key is set again.
 *   C2  Bounded: past 32 MiB of states, or 8,192 comms, the one that changed longest ago loses its state and says `forgotten`; the
 *       kernel still has it (`request_state`).
 *   C3  They end with their kernel's incarnation.
 */
import { json, type Message, parsed } from "../message/index.ts";

export interface Comm {
  readonly targetName: string;
  /** Of the comm_open, exactly, but for `state` and `buffer_paths` of a widget, which are as of now. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly bufferPaths: readonly BufferPath[];
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
  /** C2. */
  readonly forgotten: boolean;
}

export type BufferPath = readonly (string | number)[];
export type Comms = ReadonlyMap<string, Comm>;

export const MAX_COMMS = 8_192;
export const MAX_COMM_BYTES = 32 * 1024 * 1024;

/** After this message, whoever sent it: kernels open, change and close comms on iopub, clients on shell. */
export function commsAfter(comms: Comms, msgType: string, message: Message): Comms {
  const content = parsed(message.content);
  const id = content?.comm_id;
  if (typeof id !== "string") return comms;
  const data = objectIn(content?.data);
  if (msgType === "comm_close") return without(comms, id);
  const next = msgType === "comm_open" ? opened(content!, data, message) : updated(comms.get(id), data, message.buffers);
  return next ? bounded(withLast(comms, id, next)) : comms;
}

function opened(content: Record<string, unknown>, data: Record<string, unknown>, message: Message): Comm {
  const bytes = message.content.length + bytesIn(message.buffers);
  const targetName = typeof content.target_name === "string" ? content.target_name : "";
  return {
    targetName,
    data,
    metadata: parsed(message.metadata) ?? {},
    bufferPaths: pathsIn(data.buffer_paths),
    buffers: message.buffers.map((buffer) => new Uint8Array(buffer)),
    bytes,
    forgotten: false,
  };
}

/** C1. Custom messages change no state. */
function updated(comm: Comm | undefined, data: Record<string, unknown>, buffers: readonly Uint8Array[]): Comm | null {
  if (!comm || comm.forgotten || (data.method !== "update" && data.method !== "echo_update")) return null;
  const changes = objectIn(data.state);
  const paths = pathsIn(data.buffer_paths);
  const touched = new Set([...Object.keys(changes), ...paths.map((path) => String(path[0]))]);
  const kept = comm.bufferPaths
    .map((path, i) => ({ path, buffer: comm.buffers[i]! }))
    .filter(({ path }) => !touched.has(String(path[0])));
  const state = { ...objectIn(comm.data.state), ...changes };
  const allPaths = [...kept.map(({ path }) => path), ...paths];
  const allBuffers = [...kept.map(({ buffer }) => buffer), ...buffers.map((buffer) => new Uint8Array(buffer))];
  return {
    ...comm,
    data: { ...comm.data, state, buffer_paths: allPaths },
    bufferPaths: allPaths,
    buffers: allBuffers,
    bytes: json(state).length + bytesIn(allBuffers),
  };
}

/** The comm_opens that show a late client what is there, in the order of their last change. */
export function commOpens(
  comms: Comms,
): { readonly content: object; readonly metadata: object; readonly buffers: readonly Uint8Array[] }[] {
  return [...comms].map(([id, comm]) => ({
    content: { comm_id: id, target_name: comm.targetName, data: comm.data },
    metadata: comm.metadata,
    buffers: comm.buffers,
  }));
}

function bounded(comms: Map<string, Comm>): Comms {
  let bytes = [...comms.values()].reduce((sum, comm) => sum + comm.bytes, 0);
  let excess = comms.size - MAX_COMMS;
  for (const [id, comm] of comms) {
    if (bytes <= MAX_COMM_BYTES && excess <= 0) break;
    bytes -= comm.bytes;
    if (excess-- > 0) comms.delete(id);
    else comms.set(id, { ...comm, data: {}, bufferPaths: [], buffers: [], bytes: 0, forgotten: true });
  }
  return comms;
}

function withLast(comms: Comms, id: string, comm: Comm): Map<string, Comm> {
  const next = new Map(comms);
  next.delete(id);
  return next.set(id, comm);
}

function without(comms: Comms, id: string): Comms {
  if (!comms.has(id)) return comms;
  const next = new Map(comms);
  next.delete(id);
  return next;
}

const bytesIn = (buffers: readonly Uint8Array[]) => buffers.reduce((sum, buffer) => sum + buffer.length, 0);

const objectIn = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

const pathsIn = (value: unknown): BufferPath[] => (Array.isArray(value) ? value.filter((path) => Array.isArray(path)) : []);
