/**
 * Terminal models whose screen is everything that was shown: so `snapshot + rest == whole` can be checked byte for byte.
 * They work like the real ones from outside: one worker that takes its time, requests answered in order, and a worker that may die.
 */
import { terminal } from "@holdfast/core";
import type { ModelHandlers, ModelPosition, ScreenText, Snapshot, TerminalModels } from "@holdfast/host";
import type { Random, Scheduler } from "../clock/index.ts";
import type { Owner } from "../network/index.ts";

interface Model {
  readonly session: string;
  filter: terminal.QueryFilter;
  scanner: terminal.QueryScanner;
  shown: Uint8Array[];
  /** Fed since the filter stood at ground: a snapshot for a checkpoint keeps it, as the real one keeps its parser. */
  held: Uint8Array[];
  fed: number;
  parsed: number;
  cols: number;
  rows: number;
}

/** A checkpoint's own mark: where what is shown ends and what is held back begins. */
const HELD_BYTES = 4;

export class FoldModels implements TerminalModels {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #owner: Owner;
  readonly #handlers: ModelHandlers;
  readonly #models = new Map<string, Model>();
  #orders: { readonly model: Model; run(): void; fail(e: Error): void }[] = [];
  #due = false;

  constructor(scheduler: Scheduler, owner: Owner, handlers: ModelHandlers) {
    this.#scheduler = scheduler;
    this.#random = scheduler.random.fork();
    this.#owner = owner;
    this.#handlers = handlers;
  }

  open(session: string, from: ModelPosition & { readonly vt?: Uint8Array }): void {
    this.close(session);
    const model: Model = {
      session,
      filter: new terminal.QueryFilter(),
      scanner: new terminal.QueryScanner(),
      shown: [],
      held: [],
      fed: from.offset,
      parsed: from.offset,
      cols: from.cols,
      rows: from.rows,
    };
    this.#models.set(session, model);
    if (!from.vt) return;
    const vt = Buffer.from(from.vt);
    const held = vt.readUInt32BE(vt.length - HELD_BYTES);
    model.shown = [Uint8Array.from(vt.subarray(0, vt.length - HELD_BYTES - held))];
    this.#parse(model, Uint8Array.from(vt.subarray(vt.length - HELD_BYTES - held, vt.length - HELD_BYTES)), false, 0);
  }

  feed(session: string, offset: number, bytes: Uint8Array, live: boolean): void {
    const model = this.#models.get(session);
    if (!model || bytes.length === 0) return;
    if (offset !== model.fed) throw new RangeError(`[model_gap] session ${session}: fed up to ${model.fed}, then from ${offset}`);
    model.fed += bytes.length;
    const copy = Uint8Array.from(bytes);
    this.#enqueue(model, () => {
      this.#parse(model, copy, live, offset);
      model.parsed += copy.length;
      this.#handlers.parsed(session, model.parsed);
    });
  }

  #parse(model: Model, bytes: Uint8Array, live: boolean, offset: number): void {
    const shown = model.filter.filter(bytes);
    if (shown.length > 0) model.shown.push(Uint8Array.from(shown));
    model.held = model.filter.isGround ? [] : [...model.held, bytes];
    if (!live) return void model.scanner.ends(bytes);
    for (const end of model.scanner.ends(bytes))
      this.#handlers.reply({ session: model.session, offset: offset + end, bytes: Buffer.from(`\x1b[?${offset + end}c`) });
  }

  resize(session: string, cols: number, rows: number): void {
    const model = this.#models.get(session);
    if (!model) return;
    this.#enqueue(model, () => {
      model.cols = cols;
      model.rows = rows;
    });
  }

  snapshot(session: string, options?: { readonly scrollback?: number }): Promise<Snapshot> {
    return this.#ask(session, (model) => {
      const shown = Buffer.concat(model.shown);
      model.shown = [shown];
      const { parsed: offset, cols, rows } = model;
      // Attachments ask with a scrollback; a checkpoint without.
      if (options) return { offset, cols, rows, vt: shown, undo: new Uint8Array(0), title: "" };
      const held = heldBytes(model);
      const length = Buffer.alloc(HELD_BYTES);
      length.writeUInt32BE(held.length);
      return { offset, cols, rows, vt: Buffer.concat([shown, held, length]), undo: new Uint8Array(0), title: "" };
    });
  }

  text(session: string): Promise<ScreenText> {
    return this.#ask(session, ({ parsed, cols, rows }) => ({
      offset: parsed,
      cols,
      rows,
      lines: [],
      cursor: { row: 0, col: 0, visible: true },
      alternate: false,
      title: "",
    }));
  }

  #ask<T>(session: string, take: (model: Model) => T): Promise<T> {
    const model = this.#models.get(session);
    if (!model) return Promise.reject(new Error(`[no_model] session ${session} has no open model`));
    return new Promise((resolve, reject) => {
      this.#orders.push({ model, run: () => resolve(take(model)), fail: reject });
      this.#work();
    });
  }

  backlog(session: string): number {
    const model = this.#models.get(session);
    return model ? model.fed - model.parsed : 0;
  }

  close(session: string): void {
    const model = this.#models.get(session);
    if (!model) return;
    this.#models.delete(session);
    const gone = this.#orders.filter((o) => o.model === model);
    this.#orders = this.#orders.filter((o) => o.model !== model);
    for (const order of gone) order.fail(new Error(`[closed] the model of session ${session} was closed`));
  }

  /** The worker dies: every model is forgotten, every request fails, and the host is told. */
  dies(): void {
    const gone = this.#orders;
    this.#orders = [];
    this.#models.clear();
    for (const order of gone) order.fail(new Error("[model_lost] the worker died"));
    this.#handlers.lost("the worker died");
  }

  async stop(): Promise<void> {
    this.#orders = [];
    this.#models.clear();
  }

  #enqueue(model: Model, run: () => void): void {
    this.#orders.push({ model, run, fail: () => {} });
    this.#work();
  }

  #work(): void {
    if (this.#due || this.#orders.length === 0) return;
    this.#due = true;
    this.#scheduler.after(this.#random.int(20, 800), () => {
      this.#due = false;
      if (!this.#owner.isAlive) return;
      for (let n = this.#random.chance(0.5) ? 1 : 16; n > 0 && this.#orders.length > 0; n--) this.#orders.shift()!.run();
      this.#work();
    });
  }
}

/** What a fresh filter must be fed to stand where this one does. */
function heldBytes(model: Model): Uint8Array {
  const all = Buffer.concat(model.held);
  // The shortest end of what was fed that leaves a filter not at ground and shows nothing.
  for (let at = all.length - 1; at >= 0; at--) {
    const filter = new terminal.QueryFilter();
    if (filter.filter(all.subarray(at)).length === 0 && !filter.isGround && (all[at] === 0x1b || all[at]! >= 0x80))
      return all.subarray(at);
  }
  return new Uint8Array(0);
}
