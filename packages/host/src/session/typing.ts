/** What lets a frame be typed that is an AI's (approval/gate.ts), as inputs.ts knows it. */
import type { HoldError, Input } from "@holdfast/protocol";
import type { RegisteredOperator } from "../operator/registry.ts";

/** Leave to do one thing. */
export interface Pass {
  /** Uses it up for what is done in this very turn of the loop. Null, or why it is not good any more. */
  use(): HoldError | null;
}

export const FREE: Pass = { use: () => null };

/** A pass, a refusal, or somebody is to be asked. */
export type Typed = Pass | HoldError | { ask(patience: AbortSignal | null): Promise<Pass> };

/** Of a frame that comes with a call. */
export interface Letting {
  /** It was let through already, as something else than typing. */
  readonly pass?: Pass;
  /** Aborted when its caller gives up; a call is not kept waiting for as long as a frame of an attachment, and a run that waits is not typed. */
  readonly patience?: AbortSignal;
  /** It is a whole command, whose end its caller waits for (core/command Q1). */
  readonly isRun?: true;
}

export type TypingGate = (by: RegisteredOperator, via: string, frame: Input) => Typed;
