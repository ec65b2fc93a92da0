/** What the host and its mirror's worker say to each other. */
import type { Moment } from "./copier.ts";
import type { SessionLine } from "./head.ts";
import type { MirrorAddress } from "./nats-store.ts";

export interface WorkerSettings {
  readonly home: string;
  readonly hostId: string;
  readonly hostVersion: string;
  readonly address: MirrorAddress;
  readonly takesOver: boolean;
}

export type MirrorState = "connecting" | "copying" | "mirrored" | "unreachable" | "full" | "fenced" | "failed";

/** As of now, whenever it changes. */
export interface Told {
  readonly state: MirrorState;
  readonly sinceUnixMs: number;
  readonly why: string;
  /** Of the newest head; 0: none yet. */
  readonly asOfUnixMs: number;
  readonly epoch: number;
  readonly serial: number;
  readonly files: number;
  readonly bytes: number;
  /** Since this worker began. */
  readonly copiedBytes: number;
  /** Of the host's counts, in the newest head that this worker wrote; -1: it has written none. */
  readonly done: number;
  /** The head that is there is this home's: it takes over no more. */
  readonly isOurs: boolean;
}

export type ToWorker =
  | { readonly type: "moment"; readonly id: number; readonly moment: Moment }
  | { readonly type: "sessions"; readonly id: number; readonly lines: readonly SessionLine[] }
  /** In place of either: the host could not say. */
  | { readonly type: "refused"; readonly id: number; readonly why: string }
  | { readonly type: "flush"; readonly id: number }
  | { readonly type: "lag"; readonly id: number };

export type FromWorker =
  | { readonly type: "ask"; readonly what: "moment" | "sessions"; readonly id: number }
  | { readonly type: "told"; readonly told: Told }
  /** `why`: it was not copied; empty: it was. */
  | { readonly type: "flushed"; readonly id: number; readonly why: string }
  /** Null: what the mirror has is not known, as it was not reached yet. */
  | { readonly type: "lag"; readonly id: number; readonly bytes: number | null };
