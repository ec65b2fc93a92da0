/**
 * From a kernel's messages to what its cells hold: the output algebra. Follows one kernel, for all documents that run on it.
 *
 *   O1  A message belongs to the run that its parent names, so what a thread prints late stands in the cell that started it.
 *       What an earlier run of the same cell still says is not stored: the journal has it.
 *   O2  Adjacent texts of one stream are one output. `\r` and `\b` stay in it; they act when it is shown (text/).
 *   O3  `clear_output` with `wait` clears when the next output comes, and not if none does.
 *   O4  A display's data replaces that of every output with its display_id, in every cell; the id itself is never stored.
 *   O5  A cell holds no more than its limits; a marker stands for the rest, and a run's first error is kept all the same.
 *   O6  The same calls in the same order give the same changes. No time but the messages' own.
 * Differs from nbclient 0.7.2 where that loses output: it drops what comes when another cell runs already (O1), and keeps
 * each piece of a stream apart (O2). What a widget captures stays with its cell; comms are not stored.
 */
import {
  type DisplayOutput,
  type ErrorOutput,
  isJsonMime,
  joinedBundle,
  type Output,
  type ResultOutput,
} from "../format/index.ts";
import { type JsonObject, writeJson } from "../json/index.ts";
import type { Outcome, OutputChange, TimeName } from "./change.ts";
import { cutError, cutText, type Dropped, marker, markerData, type OutputLimits, outputLimits, sizeOf } from "./limit.ts";
import { countOf, displayIdOf, type KernelMessage, objectOf, textOf, timeOf } from "./message.ts";

export interface FoldOptions {
  /** Default {@link outputLimits}. */
  readonly limits?: OutputLimits;
  /** Whether `metadata.execution` gets the times that nbclient stores. Default true. */
  readonly times?: boolean;
}

export interface BegunRun {
  /** `msg_id` of the execute request. */
  readonly msgId: string;
  /** The cell, by a key of the caller's that changes carry. Unique over all documents of the kernel. */
  readonly cell: string;
  /** Stored in `metadata.holdfast`, `{ run_id, operator }` for one. Default: nothing, which keeps diffs clean. */
  readonly attribution?: JsonObject;
}

/** Outputs of a cell that one display_id can change, the latest ones: each display with a used id changes all of them. */
const MAX_SAME_DISPLAY = 64;

interface Run {
  readonly cell: string;
  isIdle: boolean;
  outcome: Outcome | null;
  clearsNext: boolean;
}

/** What is known of a cell's outputs without holding them. */
interface Slots {
  readonly run: string;
  readonly sizes: number[];
  /** The stream that the last output is of. */
  stream: string | null;
  total: number;
  markerAt: number | null;
  dropped: Dropped;
  hasLateError: boolean;
}

export class OutputFold {
  private readonly limits: OutputLimits;
  private readonly times: boolean;
  private readonly runs = new Map<string, Run>();
  private readonly cells = new Map<string, Slots>();
  /** display_id, then cell, to indexes. */
  private readonly displays = new Map<string, Map<string, number[]>>();

  constructor(options: FoldOptions = {}) {
    this.limits = options.limits ?? outputLimits;
    this.times = options.times ?? true;
  }

  /** A request to run a cell is being sent. Its outputs go; an earlier run of it is over for the document. */
  begin(run: BegunRun): OutputChange[] {
    this.forget(run.cell);
    this.runs.set(run.msgId, { cell: run.cell, isIdle: false, outcome: null, clearsNext: false });
    this.cells.set(run.cell, emptySlots(run.msgId));
    return [{ kind: "begun", cell: run.cell, attribution: run.attribution ?? null, timed: this.times }];
  }

  /** A cell is no longer there, or no code any more. What its run still says is not stored. */
  forget(cell: string): void {
    const slots = this.cells.get(cell);
    if (slots) this.runs.delete(slots.run);
    this.cells.delete(cell);
    this.forgetDisplays(cell);
  }

  /** Somebody cleared a cell's outputs by hand. Its run goes on into the empty cell. */
  cleared(cell: string): void {
    const slots = this.cells.get(cell);
    if (slots) this.cells.set(cell, emptySlots(slots.run));
    this.forgetDisplays(cell);
  }

  /** The kernel started anew: no run goes on, and no display_id means anything. */
  restarted(): void {
    this.runs.clear();
    this.cells.clear();
    this.displays.clear();
  }

  /** The runs that the kernel has not ended, in the order in which they were begun: `msg_id`s. */
  get unfinished(): string[] {
    return [...this.runs].filter(([, run]) => !run.isIdle || run.outcome === null).map(([msgId]) => msgId);
  }

  /** What a message changes, in order. Nothing for messages that leave no trace in a document. */
  take(message: KernelMessage): OutputChange[] {
    const parent = textOf(message.parent_header["msg_id"]) ?? "";
    const run = this.runs.get(parent);
    const { content } = message;
    switch (message.header["msg_type"]) {
      case "display_data":
      case "execute_result":
        return [...this.updated(content), ...(run ? this.displayed(run, message) : [])];
      case "update_display_data":
        return this.updated(content);
      case "stream":
        return run ? this.streamed(run, content) : [];
      case "error":
        return run ? this.failed(run, content) : [];
      case "clear_output":
        return run ? this.clearAsked(run, content) : [];
      case "execute_input":
        return run ? [...counted(run, content), ...this.timed(run, message, "iopub.execute_input")] : [];
      case "status":
        return run ? this.status(parent, run, message) : [];
      case "execute_reply":
        return run ? this.replied(parent, run, message) : [];
      default:
        return [];
    }
  }

  private status(msgId: string, run: Run, message: KernelMessage): OutputChange[] {
    const state = message.content["execution_state"];
    if (state === "busy") return this.timed(run, message, "iopub.status.busy");
    if (state !== "idle") return [];
    run.isIdle = true;
    return [...this.timed(run, message, "iopub.status.idle"), ...this.ended(msgId, run)];
  }

  private replied(msgId: string, run: Run, message: KernelMessage): OutputChange[] {
    const { status } = message.content;
    run.outcome = status === "ok" || status === "error" ? status : "aborted";
    return [...this.timed(run, message, "shell.execute_reply"), ...this.ended(msgId, run)];
  }

  private ended(msgId: string, run: Run): OutputChange[] {
    if (!run.isIdle || run.outcome === null) return [];
    const slots = this.slots(run);
    const told: OutputChange[] = [];
    if (slots.markerAt !== null) {
      const { data, metadata } = marker(this.limits, slots.dropped);
      told.push({ kind: "replaced", cell: run.cell, index: slots.markerAt, data, metadata });
    }
    return [...told, { kind: "ended", cell: run.cell, run: msgId, outcome: run.outcome }];
  }

  private timed(run: Run, message: KernelMessage, name: TimeName): OutputChange[] {
    const at = this.times ? timeOf(message) : null;
    return at === null ? [] : [{ kind: "timed", cell: run.cell, name, at }];
  }

  /** O3. */
  private clearAsked(run: Run, content: JsonObject): OutputChange[] {
    run.clearsNext = content["wait"] === true;
    return run.clearsNext ? [] : this.clear(run);
  }

  private clear(run: Run): OutputChange[] {
    run.clearsNext = false;
    this.cleared(run.cell);
    return [{ kind: "cleared", cell: run.cell }];
  }

  /** O2. */
  private streamed(run: Run, content: JsonObject): OutputChange[] {
    const text = textOf(content["text"]);
    const name = textOf(content["name"]) ?? "stdout";
    if (text === null) return [];
    const before = run.clearsNext ? this.clear(run) : [];
    const slots = this.slots(run);
    if (slots.markerAt !== null) return [...before, ...this.left(run, 0, text.length)];
    const fits = cutText(text, Math.max(0, this.limits.maxUnits - slots.total));
    const index = slots.sizes.length - 1;
    if (slots.stream === name && index >= 0) {
      slots.sizes[index] = (slots.sizes[index] ?? 0) + fits.length;
      slots.total += fits.length;
      if (fits !== "") before.push({ kind: "extended", cell: run.cell, index, text: fits });
    } else if (slots.sizes.length < this.limits.maxOutputs && (fits !== "" || text === "")) {
      before.push(this.append(run, { output_type: "stream", name, text: fits }, fits.length));
      slots.stream = name;
    } else return [...before, ...this.left(run, 1, text.length)];
    return fits === text ? before : [...before, ...this.left(run, 0, text.length - fits.length)];
  }

  private displayed(run: Run, message: KernelMessage): OutputChange[] {
    const { content } = message;
    const before = run.clearsNext ? this.clear(run) : [];
    const output = displayOutput(message);
    const size = sizeOf(output.data) + sizeOf(output.metadata);
    if (output.output_type === "execute_result") before.push(...counted(run, content));
    if (!this.fits(run, size)) return [...before, ...this.left(run, 1, size)];
    const displayId = displayIdOf(content);
    if (displayId !== null) this.remember(displayId, run.cell, this.slots(run).sizes.length);
    return [...before, this.append(run, output, size)];
  }

  private failed(run: Run, content: JsonObject): OutputChange[] {
    const before = run.clearsNext ? this.clear(run) : [];
    const output = cutError(errorOutput(content), this.limits.maxErrorUnits);
    const size = sizeOf(output);
    if (this.fits(run, size)) return [...before, this.append(run, output, size)];
    const slots = this.slots(run);
    if (slots.hasLateError) return [...before, ...this.left(run, 1, size)];
    slots.hasLateError = true;
    return [...before, ...this.left(run, 0, 0), this.append(run, output, size)];
  }

  /** O4. */
  private updated(content: JsonObject): OutputChange[] {
    const displayId = displayIdOf(content);
    const cells = displayId === null ? undefined : this.displays.get(displayId);
    if (cells === undefined) return [];
    const data = bundleOf(content);
    const metadata = objectOf(content["metadata"]);
    const size = sizeOf(data) + sizeOf(metadata);
    return [...cells].flatMap(([cell, indexes]) => indexes.map((index) => this.replace(cell, index, data, metadata, size)));
  }

  private replace(cell: string, index: number, data: JsonObject, metadata: JsonObject, size: number): OutputChange {
    const slots = this.cells.get(cell);
    const was = slots?.sizes[index] ?? 0;
    const isTooLarge = slots !== undefined && slots.total - was + size > this.limits.maxUnits;
    const kept = isTooLarge ? 0 : size;
    if (slots !== undefined) {
      slots.total += kept - was;
      slots.sizes[index] = kept;
    }
    if (!isTooLarge) return { kind: "replaced", cell, index, data, metadata };
    return { kind: "replaced", cell, index, data: markerData(this.limits, { outputs: 1, units: size }), metadata: {} };
  }

  private remember(displayId: string, cell: string, index: number): void {
    const cells = this.displays.get(displayId) ?? new Map<string, number[]>();
    this.displays.set(displayId, cells.set(cell, [...(cells.get(cell) ?? []), index].slice(-MAX_SAME_DISPLAY)));
  }

  private forgetDisplays(cell: string): void {
    for (const [displayId, cells] of this.displays) if (cells.delete(cell) && cells.size === 0) this.displays.delete(displayId);
  }

  private slots(run: Run): Slots {
    return this.cells.get(run.cell) as Slots;
  }

  private fits(run: Run, size: number): boolean {
    const slots = this.slots(run);
    return slots.markerAt === null && slots.sizes.length < this.limits.maxOutputs && slots.total + size <= this.limits.maxUnits;
  }

  private append(run: Run, output: Output, size: number): OutputChange {
    const slots = this.slots(run);
    slots.sizes.push(size);
    slots.total += size;
    slots.stream = null;
    return { kind: "appended", cell: run.cell, output };
  }

  /** O5: output that is left out, with the marker the first time. */
  private left(run: Run, outputs: number, units: number): OutputChange[] {
    const slots = this.slots(run);
    slots.dropped = { outputs: slots.dropped.outputs + outputs, units: slots.dropped.units + units };
    if (slots.markerAt !== null) return [];
    slots.markerAt = slots.sizes.length;
    return [this.append(run, marker(this.limits, null), 0)];
  }
}

function emptySlots(run: string): Slots {
  return { run, sizes: [], stream: null, total: 0, markerAt: null, dropped: { outputs: 0, units: 0 }, hasLateError: false };
}

function counted(run: Run, content: JsonObject): OutputChange[] {
  const count = countOf(content["execution_count"]);
  return count === null ? [] : [{ kind: "counted", cell: run.cell, count }];
}

function displayOutput({ header, content }: KernelMessage): DisplayOutput | ResultOutput {
  const shown = { data: bundleOf(content), metadata: objectOf(content["metadata"]) };
  if (header["msg_type"] === "display_data") return { output_type: "display_data", ...shown };
  return { output_type: "execute_result", ...shown, execution_count: countOf(content["execution_count"]) };
}

/** Text where a file must have text: lists of lines joined, and any other value that a kernel sent there as its JSON. */
function bundleOf(content: JsonObject): JsonObject {
  const bundle = joinedBundle(objectOf(content["data"]));
  return Object.fromEntries(
    Object.entries(bundle).map(([mime, value]) => [
      mime,
      isJsonMime(mime) || typeof value === "string" ? value : writeJson(value, null),
    ]),
  );
}

function errorOutput(content: JsonObject): ErrorOutput {
  const traceback = Array.isArray(content["traceback"]) ? content["traceback"].map(String) : [];
  return {
    output_type: "error",
    ename: textOf(content["ename"]) ?? "Error",
    evalue: textOf(content["evalue"]) ?? "",
    traceback,
  };
}
