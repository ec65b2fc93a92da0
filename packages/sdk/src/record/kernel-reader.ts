/**
 * A kernel session's record, read: what its bytes and events mean, by the fold that the host has (packages/kernel).
 *   F1  Whatever place it begins at, what it tells is true; what it can't know there (who asked, the number of a run) it says is not known.
 *   F2  Bytes that were lost are told as a gap, and end what was unfinished.
 * Pure.
 */
import {
  apply,
  type BridgeRecord,
  type BridgeWord,
  type Decoded,
  hear,
  type HeaderOperator,
  type KernelEvent,
  type KernelSession,
  openKernelSession,
  parentOf,
  parsed,
  type Prompt,
  RecordDecoder,
  type Run,
  type RunRequest,
} from "@holdfast/kernel";
import { type Event, OperatorKind, textOf } from "@holdfast/protocol";
import type { FollowedPrompt, FollowedRun, Gap, KernelOperator, KernelTold, KernelView, Output } from "../api/index.ts";
import { operatorOf, saidOf } from "./kernel-said.ts";

/** Of runs that are over, so that what they print late is known as theirs. */
const REMEMBERED = 256;

export class KernelReader {
  readonly #decoder = new RecordDecoder(null);
  /** Of current, waiting and recent ones. */
  readonly #runs = new Map<string, FollowedRun>();
  #state: KernelSession;

  /** `known`: what is known of the kernel at the place where the reading begins. Default nothing. */
  constructor(known: Partial<Pick<KernelSession, "phase" | "incarnation" | "info" | "execution">> = {}) {
    this.#state = { ...openKernelSession(), ...known };
  }

  get view(): KernelView {
    const { phase, incarnation, execution, isSilent, current, queue, prompt, info } = this.#state;
    return {
      ...{ phase, incarnation, execution, silent: isSilent, info },
      current: current && followed(current),
      waiting: queue.map(followed),
      prompt: prompt && promptOf(prompt),
    };
  }

  /** Whether no record is half read. */
  get isWhole(): boolean {
    return this.#decoder.heldBytes === 0;
  }

  /** What the host says of the kernel at this place of the record, over what was read. */
  correct(known: Pick<KernelSession, "phase" | "incarnation" | "pid" | "info" | "execution" | "isSilent">): void {
    this.#state = { ...this.#state, ...known };
  }

  output({ stream, bytes, seq }: Pick<Output, "stream" | "bytes" | "seq">): KernelTold[] {
    // What comes on the other is the bridge's own, for people who look for its faults.
    return stream === 1 ? this.#decoded(this.#decoder.push(Uint8Array.from(bytes)), seq) : [];
  }

  gap(gap: Gap): KernelTold[] {
    return [...this.#decoded(this.#decoder.restart(), gap.toSeq), { type: "gap", ...gap }];
  }

  event(e: Event): KernelTold[] {
    const kind = e.body?.kind;
    const seq = Number(e.seq);
    switch (kind?.case) {
      case "kernelAsked": {
        const { run, name, kind: of, onBehalfOf, options } = kind.value;
        const by = { id: e.actor, name, kind: kindWord(of), via: e.via, ...(onBehalfOf === "" ? {} : { onBehalfOf }) };
        const batch = options?.batch ? { batch: options.batch } : {};
        const metadata = parsed(options?.metadata ?? new Uint8Array(0)) ?? {};
        const asked: RunRequest = { id: run, by, code: textOf(e.data), silent: options?.silent ?? false, metadata, ...batch };
        this.#apply({ kind: "queued", run: asked });
        return [{ type: "asked", run: this.#remembered(run), seq, atMs: Number(e.atUnixMs) }];
      }
      case "kernelOver":
        return this.#told({ kind: "over", runId: kind.value.run, outcome: "cancelled", because: kind.value.because });
      case "input":
        return this.#input(kind.value.message, e.actor);
      case "exited":
      case "ended":
        return this.#state.phase === "ended" ? [] : this.#word({ word: "bye", reason: "terminated" });
      default:
        return [];
    }
  }

  #input(message: string, actor: string): KernelTold[] {
    if (this.#state.queue.some(({ id }) => id === message)) return this.#told({ kind: "sent", runId: message });
    const { prompt } = this.#state;
    if (prompt === null || message !== `reply:${prompt.id}`) return [];
    this.#apply({ kind: "answered", promptId: prompt.id });
    return [{ type: "prompt_over", prompt: promptOf(prompt), by: actor }];
  }

  #decoded(found: readonly Decoded[], seq: number): KernelTold[] {
    return found.flatMap((one) => ("record" in one ? this.#record(one.record, seq) : []));
  }

  #record(record: BridgeRecord, seq: number): KernelTold[] {
    if (record.kind === "native") return [{ type: "native", stream: record.stream, bytes: record.bytes }];
    if (record.kind === "word") return this.#word(record.word as BridgeWord);
    const { channel, incarnation, message } = record;
    const events = hear(this.#state, record);
    const before = events.filter(({ kind }) => kind !== "over");
    const after = events.filter(({ kind }) => kind === "over");
    // The message that ends a run is told before its end.
    const told = before.flatMap((event) => this.#told(event));
    const run = this.#runs.get(parentOf(message)) ?? null;
    const said = saidOf(channel, incarnation, message);
    return [
      ...told,
      { type: "message", said, run: run && this.#remembered(run.run), by: run?.by ?? operatorOf(said.parent), seq },
      ...after.flatMap((event) => this.#told(event)),
    ];
  }

  #word(word: BridgeWord): KernelTold[] {
    const told = hear(this.#state, { kind: "word", word }).flatMap((event) => this.#told(event));
    if (word.word === "gap") told.push({ type: "dropped", records: word.records, bytes: word.bytes, why: word.why });
    if (word.word === "adopted") told.push({ type: "dropped", records: 0, bytes: 0, why: "bridge_ended" });
    return told;
  }

  #told(event: KernelEvent): KernelTold[] {
    const before = this.#state;
    this.#apply(event);
    switch (event.kind) {
      case "running":
        return before.current?.phase === "running" || !this.#runs.has(event.runId)
          ? []
          : [{ type: "running", run: this.#remembered(event.runId) }];
      case "over": {
        const asked = before.prompt?.runId === event.runId && before.prompt;
        const prompt: KernelTold[] = asked ? [{ type: "prompt_over", prompt: promptOf(asked), by: null }] : [];
        const run = this.#runs.get(event.runId);
        const isOurs = before.current?.id === event.runId || before.queue.some(({ id }) => id === event.runId);
        if (!run || !isOurs) return prompt;
        return [...prompt, { type: "over", run, outcome: event.outcome, because: event.because ?? "" }];
      }
      case "prompted":
        return [{ type: "prompt", prompt: promptOf(event.prompt) }];
      case "bridge": {
        const { phase, incarnation } = this.#state;
        return phase === before.phase && incarnation === before.incarnation ? [] : [{ type: "phase", phase, incarnation }];
      }
      default:
        return [];
    }
  }

  #apply(event: KernelEvent): void {
    this.#state = apply(this.#state, event);
    const { current, queue } = this.#state;
    for (const run of event.kind === "queued" ? queue.slice(-1) : current ? [current] : []) this.#runs.set(run.id, followed(run));
    if (this.#runs.size <= REMEMBERED + queue.length) return;
    const living = new Set(queue.map(({ id }) => id)).add(current?.id ?? "");
    for (const id of this.#runs.keys()) if (!living.has(id) && this.#runs.size > REMEMBERED + queue.length) this.#runs.delete(id);
  }

  #remembered(run: string): FollowedRun {
    return this.#runs.get(run)!;
  }
}

function followed(run: Run): FollowedRun {
  return {
    ...{ run: run.id, code: run.code, phase: run.phase, executionCount: run.executionCount },
    ...{ by: operator(run.by), silent: run.silent ?? false, batch: run.batch ?? null, metadata: run.metadata ?? {} },
  };
}

const operator = ({ id, name, kind, via = "", onBehalfOf = "" }: HeaderOperator): KernelOperator => ({
  ...{ id, name, kind, via, onBehalfOf },
});

const promptOf = ({ id, runId, text, isPassword }: Prompt): FollowedPrompt => ({
  ...{ prompt: id, run: runId, text, password: isPassword },
});

function kindWord(kind: OperatorKind): string {
  return kind === OperatorKind.AI ? "ai" : kind === OperatorKind.SERVICE ? "service" : "human";
}
