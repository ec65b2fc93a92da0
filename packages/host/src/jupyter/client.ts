/**
 * One client of a kernel: `session_id` of its socket's address, which stays when the socket is opened again. It is told what the journal has, from
 * where it was, at its own pace.
 *
 *   C1  What came to it is known by the answers to pings that follow each batch: a socket that is opened again goes on from there, so that
 *       nothing is missing; what was under way when a connection broke may come twice.
 *   C2  iopub is for all; replies and prompts are for who asked. Of two kernels' lives nothing is mixed: what a restart left behind is not told.
 *   C3  A client that this life of the host does not know, and that asked for runs in the one before, goes on from where this life began.
 *   C4  To an AI no secret is told that is known when it is told.
 */
import { crc32 } from "node:zlib";
import {
  type BridgeRecord,
  type BridgeWord,
  headOf,
  json,
  type KernelEvent,
  type Message,
  parentOf,
  RecordDecoder,
} from "@holdfast/kernel";
import { shownTo } from "../call/kernel-run.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { HOP_BYTES } from "../session/attachment.ts";
import type { LiveSession } from "../session/session.ts";
import type { Told } from "./wire.ts";

const READ_BYTES = 256 * 1024;
/** Requests whose replies it gets, at most: far more than a client has under way. */
const MAX_OWNED = 4_096;

/** Its socket, while there is one. */
export interface Wire {
  /** Bytes that it has not taken yet. */
  readonly buffered: number;
  tell(told: Told): void;
  /** Asks for an answer to all that was told before. */
  ask(mark: number): void;
}

interface Place {
  /** Records after this seq have not been told whole. */
  readonly from: number;
  /** Offset of the bridge's output behind what was told. */
  readonly at: number;
}

interface Due {
  readonly seq: number;
  readonly told: readonly Told[];
}

export interface ClientParts {
  readonly session: LiveSession;
  readonly operator: RegisteredOperator;
  /** Empty: it has none. */
  readonly id: string;
  readonly wallMs: () => number;
  readonly newId: () => string;
  /** Who restarted that life of the kernel by this endpoint; null: nobody, or by other means. */
  readonly restartedBy: (incarnation: number) => string | null;
}

export class JupyterClient {
  readonly #p: ClientParts;
  readonly #owned = new Set<string>();
  #wire: Wire | null = null;
  #decoder = decoder();
  #cursor: number;
  /** Offset behind the last record that was looked at; -1: none was. */
  #at = -1;
  #clean: Place;
  #acked: Place;
  /** What is told already, of records that are read again. */
  #toldTo = 0;
  #marks: { readonly n: number; readonly place: Place }[] = [];
  #mark = 0;
  #isMarked = true;
  readonly #due: Due[] = [];
  #kernelSession = "";

  constructor(parts: ClientParts) {
    this.#p = parts;
    const { session, id } = parts;
    const { state, beganAt } = session.kernel!;
    const { seq } = session.facts;
    const runs = [...state.ended.keys(), ...state.queue.map((run) => run.id), ...(state.current ? [state.current.id] : [])];
    const isKnown = id !== "" && runs.some((run) => session.kernel!.clientOf(run) === id);
    this.#cursor = isKnown ? Math.min(beganAt, seq) : seq;
    this.#clean = this.#acked = { from: this.#cursor, at: 0 };
  }

  get operator(): RegisteredOperator {
    return this.#p.operator;
  }

  get isThere(): boolean {
    return this.#wire !== null;
  }

  /** C1. */
  begin(wire: Wire): void {
    this.#wire = wire;
    this.#decoder = decoder();
    this.#cursor = this.#acked.from;
    this.#toldTo = this.#acked.at;
    this.#at = -1;
    this.#clean = this.#acked;
    this.#marks = [];
    this.pump();
  }

  end(wire: Wire): void {
    if (this.#wire === wire) this.#wire = null;
  }

  /** All that was told before this mark has come. */
  came(mark: number): void {
    const found = this.#marks.findLast(({ n }) => n <= mark);
    if (!found) return;
    this.#marks = this.#marks.filter(({ n }) => n > mark);
    this.#acked = found.place;
  }

  /** What is answered to this request is for this client. */
  own(msgId: string): void {
    this.#owned.add(msgId);
    for (const id of this.#owned) if (this.#owned.size > MAX_OWNED) this.#owned.delete(id);
  }

  owns(msgId: string): boolean {
    return this.#owned.has(msgId) || (this.#p.id !== "" && this.#p.session.kernel!.clientOf(msgId) === this.#p.id);
  }

  /** A run of its own that ends in no way that a kernel tells of. */
  over({ runId, outcome }: Extract<KernelEvent, { kind: "over" }>, seq: number): void {
    const isOwnRestart =
      (outcome === "lost" || outcome === "voided") && this.#restarts(this.#p.session.kernel!.state.incarnation);
    if ((outcome !== "cancelled" && outcome !== "unknown" && !isOwnRestart) || !this.owns(runId)) return;
    const parent = json({ msg_id: runId, msg_type: "execute_request", session: this.#p.id, username: "", version: "5.3" });
    const status = outcome === "unknown" ? "error" : "aborted";
    const content = { status, ename: outcome, evalue: `this run is ${outcome}`, traceback: [] };
    this.#due.push({ seq, told: [this.#made("shell", "execute_reply", content, parent), this.#idle(parent)] });
  }

  /** What it asked is refused: told as a kernel tells of an error. */
  refused(request: Message, { code, message }: { readonly code: string; readonly message: string }): void {
    const type = headOf(request.header)!.msgType;
    const content = { ename: code, evalue: message, traceback: [`[${code}] ${message}`] };
    const reply = type.replace(/_request$/, "_reply");
    if (type === "execute_request") this.#wire?.tell(this.#made("iopub", "error", content, request.header));
    if (reply !== type)
      this.#wire?.tell(this.#made(channelOfReply(type), reply, { status: "error", ...content }, request.header));
    if (type === "execute_request") this.#wire?.tell(this.#idle(request.header));
  }

  /** What the host did in place of the kernel. */
  answered(request: Message, content: object): void {
    const type = headOf(request.header)!.msgType;
    this.#wire?.tell(this.#made("control", type.replace(/_request$/, "_reply"), { status: "ok", ...content }, request.header));
  }

  /** Tells what there is, as far as it is taken. */
  pump(): void {
    for (;;) {
      const wire = this.#wire;
      if (!wire || wire.buffered >= HOP_BYTES) break;
      const items = this.#p.session.read(this.#cursor, READ_BYTES);
      if (items.length === 0) break;
      for (const item of items) {
        if ("gap" in item) {
          this.#cursor = item.toSeq;
          this.#at = -1;
          this.#decoder = decoder();
          continue;
        }
        const { entry } = item;
        this.#tellDue(entry.seq);
        this.#cursor = entry.seq;
        if (item.body?.case !== "output" || entry.stream !== 1) continue;
        if (this.#at < 0) this.#at = entry.offset;
        this.#take(Uint8Array.from(entry.payload));
        if (this.#decoder.heldBytes === 0) this.#clean = { from: this.#cursor, at: this.#at };
      }
    }
    if (this.#cursor >= this.#p.session.facts.seq) this.#tellDue(this.#cursor + 1);
    this.#ask();
  }

  #ask(): void {
    if (this.#isMarked || !this.#wire) return;
    this.#isMarked = true;
    this.#marks.push({ n: ++this.#mark, place: { from: this.#clean.from, at: Math.max(this.#toldTo, 0) } });
    this.#wire.ask(this.#mark);
  }

  #tellDue(before: number): void {
    for (let due = this.#due[0]; due && due.seq < before && this.#wire; due = this.#due[0]) {
      this.#due.shift();
      for (const told of due.told) this.#wire.tell(told);
    }
  }

  #take(payload: Uint8Array): void {
    for (const found of this.#decoder.push(payload)) {
      this.#at += "record" in found ? found.bytes : found.skippedBytes;
      if (!("record" in found) || this.#at <= this.#toldTo) continue;
      this.#toldTo = this.#at;
      this.#hear(found.record);
    }
  }

  #hear(record: BridgeRecord): void {
    if (record.kind === "word") return this.#heardWord(record.word as BridgeWord);
    if (record.kind !== "message" || record.incarnation < this.#p.session.kernel!.state.incarnation) return;
    const { channel, message } = record;
    const head = headOf(message.header);
    if (!head || head.msgType === "iopub_welcome") return;
    this.#kernelSession = head.session;
    if (channel !== "iopub" && !this.owns(parentOf(message))) return;
    // Somebody has answered it meanwhile.
    if (channel === "stdin" && this.#p.session.kernel!.state.prompt?.id !== head.msgId) return;
    this.#tell({ channel, message: shownTo(this.#p.operator, this.#p.session, message).message });
  }

  /** A client that asks for a restart forgets all that it asked before, and opens its socket again when that is answered: a second time would be too much. */
  #restarts(incarnation: number): boolean {
    return this.#p.restartedBy(incarnation) === this.#p.operator.id;
  }

  /** C2. A client that is told of it opens its socket again at once, and hears of it once. */
  #heardWord(word: BridgeWord): void {
    const isRestart = word.word === "started" && word.incarnation > 1;
    const isEnd = (word.word === "died" && !word.expected) || word.word === "failed" || word.word === "bye";
    if (!isRestart && !isEnd) return;
    if (!isRestart || !this.#restarts(word.incarnation - 1))
      this.#tell(this.#made("iopub", "status", { execution_state: isRestart ? "restarting" : "dead" }, json({})));
    this.#acked = { from: this.#clean.from, at: this.#toldTo };
    this.#marks = [];
    this.#kernelSession = "";
  }

  #tell(told: Told): void {
    this.#wire?.tell(told);
    this.#isMarked = false;
  }

  #idle(parent: Uint8Array): Told {
    return this.#made("iopub", "status", { execution_state: "idle" }, parent);
  }

  /** By the kernel's own session: a client drops what waits of another one. */
  #made(channel: Told["channel"], msgType: string, content: object, parent: Uint8Array): Told {
    const header = {
      msg_id: this.#p.newId(),
      msg_type: msgType,
      session: this.#kernelSession || this.#p.session.id,
      username: "holdfast",
      date: new Date(this.#p.wallMs()).toISOString(),
      version: "5.3",
    };
    return { channel, message: { header: json(header), parent, metadata: json({}), content: json(content), buffers: [] } };
  }
}

function channelOfReply(type: string): Told["channel"] {
  return /^(shutdown|interrupt|debug|(create|delete|list)_subshell)_request$/.test(type) ? "control" : "shell";
}

function decoder(): RecordDecoder {
  return new RecordDecoder((bytes, before) => crc32(bytes, before));
}
