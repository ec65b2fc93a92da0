/**
 * A person or an AI with the real SDK: what was sent and what came of it, what was seen and in which order. One process: it can
 * be killed, and comes back as another.
 */
import type { Attachment, AttachHandlers, AttachOptions, Floor, InputOutcome } from "@holdfast/sdk";
import { Client, Connection, type Credential, type Dial, type Redial } from "@holdfast/sdk/client";
import type { Random, Scheduler } from "../clock/index.ts";
import type { Network, Owner } from "../network/index.ts";
import { credential, kinds, verifier, type Name } from "./operators.ts";

/** A call on the SDK that owes an answer. */
export interface Promised {
  readonly what: string;
  readonly atStep: number;
  settled: boolean;
}

export interface Sent extends Promised {
  readonly bytes: Uint8Array;
  readonly interrupt: boolean;
  outcome: InputOutcome | null;
}

/** What one attachment was shown, in the order of the telling. */
export type Seen =
  | { readonly is: "output"; readonly seq: number; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly is: "event"; readonly seq: number; readonly kind: string }
  | { readonly is: "gap"; readonly from: number; readonly to: number }
  | { readonly is: "snapshot"; readonly seq: number; readonly bytes: Uint8Array; readonly why: string };

export interface View {
  readonly mode: "snapshot" | "replay";
  readonly seen: Seen[];
  detached: string | null;
}

export class SimClient implements Owner {
  readonly name: Name;
  readonly label: string;
  readonly #scheduler: Scheduler;
  readonly #network: Network;
  readonly #random: Random;
  readonly #note: (text: string) => void;
  isAlive = true;
  client: Client | null = null;
  attachment: Attachment | null = null;
  view: View | null = null;
  readonly views: View[] = [];
  readonly sent: Sent[] = [];
  readonly promised: Promised[] = [];
  /** How long the reader takes for each piece of output, microseconds; 0: none. */
  readUs = 0;
  /** Output is used no earlier than this. */
  reads: Promise<void> | null = null;
  /** How it reaches the host, and as whom. Default: by the simulated network, as itself. */
  dial: Dial;
  credential: Credential;
  /** Of the waits before it dials again. */
  waitMs: (ms: number) => number = (ms) => ms;
  /** Each time that its attachment has a link again: whether it took up its place. */
  readonly resumed: boolean[] = [];
  /** Codes of what it asked for and did not get. */
  readonly refusals: string[] = [];
  /** Told of what is typed offline and too old: whether it goes out. */
  flushes = true;
  /** What is on its disk for another life of it. */
  kept: string | null = null;
  /** Notices of the floor, as they came. */
  floor: Floor | null = null;
  #nextTag = 1;

  constructor(name: Name, label: string, scheduler: Scheduler, network: Network, note: (text: string) => void) {
    this.name = name;
    this.label = label;
    this.#scheduler = scheduler;
    this.#network = network;
    this.#random = scheduler.random.fork();
    this.#note = (text) => note(`${label}: ${text}`);
    this.dial = (accept) => this.#network.dial(label, accept, this);
    this.credential = credential(name);
  }

  get isAi(): boolean {
    return kinds[this.name] === "ai";
  }

  effect(): boolean {
    return this.isAlive;
  }

  get isOver(): boolean {
    return this.view?.detached !== null;
  }

  get isAttached(): boolean {
    return this.attachment !== null && this.view?.detached === null;
  }

  /** Waits for the answer in the books of this client. */
  async promise<T>(what: string, run: () => Promise<T>): Promise<T | null> {
    const promised: Promised = { what, atStep: this.#scheduler.steps, settled: false };
    this.promised.push(promised);
    try {
      return await run();
    } catch (fault) {
      const code = (fault as { code?: string }).code;
      if (code === undefined) throw fault;
      this.#note(`${what}: ${code}`);
      this.refusals.push(code);
      return null;
    } finally {
      promised.settled = true;
    }
  }

  async connect(): Promise<Client | null> {
    this.client?.close();
    this.client = null;
    const open = (resume: Parameters<Redial["connect"]>[0]): Promise<Connection> =>
      Connection.open({
        dial: this.dial,
        credential: this.credential,
        verifier: verifier(this.#random),
        resume,
        via: "sdk",
        client: "sim",
      });
    const redial: Redial = {
      connect: open,
      now: () => this.#scheduler.clock.monoMs(),
      wallMs: () => this.#scheduler.clock.wallMs(),
      wait: (ms) => this.#scheduler.wait(this.waitMs(ms)),
      newId: () => this.#random.id(24),
    };
    const connection = await this.promise("connect", () => open(null));
    if (!connection || !this.isAlive) return null;
    this.client = new Client(connection, redial, { env: {}, cwd: "/", shell: "/bin/sh", umask: 0o77, nofile: null });
    return this.client;
  }

  async attach(options: AttachOptions): Promise<Attachment | null> {
    const client = this.client;
    if (!client) return null;
    const view: View = { mode: options.mode ?? "snapshot", seen: [], detached: null };
    const handlers: AttachHandlers = {
      snapshot: (s) => void view.seen.push({ is: "snapshot", seq: s.seq, bytes: s.vt, why: s.why }),
      output: (o) => {
        view.seen.push({ is: "output", seq: o.seq, offset: o.offset, bytes: o.bytes });
        return this.readUs > 0 ? this.#scheduler.wait(this.readUs / 1000) : (this.reads ?? undefined);
      },
      event: (e) => void view.seen.push({ is: "event", seq: Number(e.seq), kind: e.body?.kind.case ?? "" }),
      gap: (g) => void view.seen.push({ is: "gap", from: g.fromSeq, to: g.toSeq }),
      floor: (f) => {
        this.floor = f;
      },
      link: (state, detail) => {
        this.#note(`${state}, resumed ${detail.resumed}, ${detail.unanswered} unanswered`);
        if (state === "attached") this.resumed.push(detail.resumed);
      },
      kept: (kept) => {
        if (this.isAlive) this.kept = kept;
      },
      held: () => (this.flushes ? this.attachment?.flushHeld() : this.attachment?.dropHeld()),
      detached: (reason, error) => {
        view.detached = error?.code ?? reason;
        this.#note(`detached: ${view.detached}`);
      },
    };
    this.#note(`attaches${options.observe ? " to observe" : ""}${options.mode ? ` by ${options.mode}` : ""}`);
    const attachment = await this.promise("attach", () => client.attach(options, handlers));
    if (!attachment || !this.isAlive) return null;
    this.view = view;
    this.views.push(view);
    this.attachment = attachment;
    return attachment;
  }

  /** Text that nobody else sends and that is sent once. */
  text(bytes: number, end: string): Uint8Array {
    const tag = `<${this.label}.${this.#nextTag++}`;
    if (bytes <= 64) return Buffer.from(`${tag}>${end}`);
    const lines: string[] = [];
    for (let n = 0, i = 0; n < bytes; i++) {
      const line = `${tag}.${String(i).padStart(6, "0")}>${end === "" ? "." : end}`;
      lines.push(line);
      n += line.length;
    }
    return Buffer.from(lines.join(""));
  }

  /** Sends one frame or one paste; the promise is in {@link sent}. */
  type(bytes: Uint8Array, options: { interrupt?: boolean; durable?: boolean } = {}): Sent | null {
    const attachment = this.attachment;
    if (!attachment) return null;
    const sent: Sent = {
      what: `input of ${bytes.length} bytes (${Buffer.from(bytes.subarray(0, 24)).toString("latin1")})`,
      atStep: this.#scheduler.steps,
      settled: false,
      bytes,
      interrupt: options.interrupt ?? false,
      outcome: null,
    };
    this.sent.push(sent);
    this.promised.push(sent);
    this.#note(`sends ${sent.what}`);
    void attachment.input(bytes, options).then(
      (outcome) => {
        sent.outcome = outcome;
        sent.settled = true;
        this.#note(`is told ${outcome.status} ${outcome.bytes} ${outcome.code ?? ""} of ${sent.what}`);
      },
      (fault: unknown) => {
        sent.settled = true;
        this.#note(`is told ${String(fault)} of ${sent.what}`);
      },
    );
    return sent;
  }

  steer(verb: "take" | "release" | "ask" | "aiPause" | "aiResume"): Promise<Floor | null> {
    const attachment = this.attachment;
    if (!attachment) return Promise.resolve(null);
    return this.promise(verb, () => attachment[verb]()).then((floor) => {
      if (floor) this.#note(`${verb}: epoch ${floor.epoch}, ${floor.holder || "nobody"} steers`);
      return floor;
    });
  }

  passes(to: Name): Promise<Floor | null> {
    const attachment = this.attachment;
    if (!attachment) return Promise.resolve(null);
    return this.promise("pass", () => attachment.pass(to));
  }

  async detach(): Promise<void> {
    const attachment = this.attachment;
    if (!attachment) return;
    this.#note("detaches");
    await this.promise("detach", () => attachment.detach());
    this.attachment = null;
  }

  /** The process is killed: nothing of it is heard of again. */
  dies(): void {
    if (!this.isAlive) return;
    this.#note("is killed");
    this.isAlive = false;
    for (const wire of [...this.#network.wires]) if (wire.name.startsWith(`${this.label}#`)) wire.cut();
  }
}
