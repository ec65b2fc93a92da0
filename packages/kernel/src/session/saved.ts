/**
 * A kernel session's state as JSON, for a host's cache. Displays and comms beyond {@link MAX_SAVED_BYTES} are left out, those that
 * changed longest ago first: a kernel can be asked for a widget's state again.
 */
import type { Comm, Comms } from "./comms.ts";
import type { Display, Displays } from "./displays.ts";
import { type KernelSession, openKernelSession } from "./session.ts";

/** Of displays and comms together. A save is one step of the host's loop. */
export const MAX_SAVED_BYTES = 4 * 1024 * 1024;

/** Arguments of one call. */
const CHUNK = 8_192;

type Entries<T> = readonly (readonly [string, T])[];
/** Buffers in base64. */
type SavedComm = Omit<Comm, "buffers"> & { readonly buffers: readonly string[] };

export type SavedKernelSession = Omit<KernelSession, "ended" | "displays" | "comms"> & {
  readonly ended: KernelSession["ended"] extends ReadonlyMap<string, infer T> ? Entries<T> : never;
  readonly displays: Entries<Display>;
  readonly comms: Entries<SavedComm>;
};

export function savedKernelSession(state: KernelSession): SavedKernelSession {
  const room = { bytes: MAX_SAVED_BYTES };
  return {
    ...state,
    ended: [...state.ended],
    displays: latest(state.displays, room),
    comms: latest(state.comms, room).map(([id, comm]) => [id, { ...comm, buffers: comm.buffers.map(base64) }]),
  };
}

/** Throws where it is none. What an older version did not save has its default. */
export function loadedKernelSession(saved: SavedKernelSession): KernelSession {
  const comms: Comms = new Map(saved.comms.map(([id, comm]) => [id, { ...comm, buffers: comm.buffers.map(fromBase64) }]));
  const displays: Displays = new Map(saved.displays);
  return { ...openKernelSession(), ...saved, ended: new Map(saved.ended), displays, comms };
}

function latest<T extends { readonly bytes: number }>(all: ReadonlyMap<string, T>, room: { bytes: number }): [string, T][] {
  const kept: [string, T][] = [];
  for (const [id, one] of [...all].reverse()) {
    if (one.bytes > room.bytes) break;
    room.bytes -= one.bytes;
    kept.unshift([id, one]);
  }
  return kept;
}

function base64(bytes: Uint8Array): string {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) texts.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  return btoa(texts.join(""));
}

const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
