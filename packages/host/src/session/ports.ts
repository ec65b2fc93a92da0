/** What a session asks of the world. The host gives it the machine; testkit gives it a simulated one. */
import type { MonotonicMs } from "@holdfast/core";
import type { ShimHandlers, ShimLink } from "@holdfast/shim";
import type { Journal } from "../journal/journal.ts";
import type { Snapshot, TerminalModels } from "../terminal/model.ts";

export interface Clock {
  monoMs(): MonotonicMs;
  monoNs(): bigint;
  wallMs(): number;
}

/** A model's state on the disk, so that neither a restart nor pruning needs the whole past parsed again. */
export interface Checkpoint {
  readonly seq: number;
  readonly position: number;
  readonly snapshot: Snapshot;
}

export interface CheckpointStore {
  load(session: string): Checkpoint | null;
  /** Durable when it resolves (temporary file, fsync, rename, folder fsync). */
  save(session: string, checkpoint: Checkpoint): Promise<void>;
  /** Durable when it returns, and undoes a save that is under way. */
  remove(session: string): void;
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly models: TerminalModels;
  readonly checkpoints: CheckpointStore;
  /** Connects to the shim at this socket; `acked`: what the journal has of each stream. */
  connectShim(
    path: string,
    acked: readonly { readonly stream: 0 | 1 | 2; readonly offset: bigint }[],
    handlers: ShimHandlers,
  ): ShimLink;
  /** Runs once the loop has nothing more urgent; in order. */
  defer(run: () => void): void;
  /** Runs at or after `at`; the returned function takes it back. */
  wakeAt(at: MonotonicMs, run: () => void): () => void;
  /** Random lower-case id of `chars` characters. */
  newId(chars: number): string;
  /** A line for the host's log. */
  log(text: string): void;
}
