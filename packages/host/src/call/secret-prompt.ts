/**
 * The prompt at which a program reads a secret, while an AI's request for that stands; and a person's line for it.
 *
 *   N1  A prompt is the session's incarnation, its foreground processes and all that was printed so far: whatever is printed makes it
 *       another one, but what a person's own typing does; and so does whatever an AI or a program types.
 *   N2  The request is over when the prompt is gone or another, when a person's line was read there unseen, whoever's terminal it came
 *       from, and when a line that was given for it went elsewhere.
 *   N3  What is given is that person's input like any other: recorded and attributed, its bytes erased because the terminal did not show
 *       them. Where it did all the same, or did not take them, they are erased too, and both sides are told.
 * Between the last look at the prompt and the shim's write lies a moment that nothing closes.
 */
import { MonotonicMs } from "@holdfast/core";
import { create, EventBody_RedactedSchema, FloorVerb, HoldError, InputSchema, InputStatus } from "@holdfast/protocol";
import type { Request } from "../approval/approvals.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { Actor } from "../session/book.ts";
import type { InputReply } from "../session/inputs.ts";
import type { LiveSession } from "../session/session.ts";
import { floorCommand } from "./floor-command.ts";
import { activityOf } from "../session/activity.ts";

/** How often the program is looked at, and how long a prompt has to stand before it is asked about. */
const LOOK_EVERY_MS = 200;
const LOOKS = 5;
const ENTER = 0x0d;

export interface Prompt {
  readonly of: string;
  readonly printed: number;
  /** The program's name and what stands before the cursor: its words. */
  readonly reads: string;
}

/** Null: nothing reads a secret. */
async function promptOf(session: LiveSession, ports: Host["ports"]): Promise<Prompt | null> {
  const { state, probe } = await activityOf(session, ports);
  if (state !== "waiting_secret" || !probe) return null;
  const { processes, foregroundPgrp } = probe;
  const pids = processes.map((p) => p.pid).sort((a, b) => a - b);
  return {
    of: [session.facts.incarnation, foregroundPgrp, ...pids].join(" "),
    printed: session.facts.ends[0],
    reads: processes.map((p) => `${p.comm} (${p.pid})`).join(", "),
  };
}

const later = (host: Host, run: () => void): (() => void) =>
  host.ports.wakeAt(MonotonicMs(host.ports.clock.monoMs() + LOOK_EVERY_MS), run);

/** One that stands: the same at two looks. Null: there is none. */
export async function standingPrompt(host: Host, session: LiveSession): Promise<Prompt | null> {
  let last = await promptOf(session, host.ports);
  for (let looks = 1; looks < LOOKS; looks++) {
    await new Promise<void>((resolve) => later(host, resolve));
    const now = await promptOf(session, host.ports);
    if (now === null && last === null) return null;
    if (now && now.of === last?.of && now.printed === last.printed) {
      const { lines, cursor } = (await session.screen.text(0)).text;
      return { ...now, reads: `${now.reads} at ${JSON.stringify((lines[cursor.row] ?? "").trimEnd())}` };
    }
    last = now;
  }
  return null;
}

const watches = new WeakMap<Request, PromptWatch>();

/** Of a request for a secret that waits. */
export function watchOf(request: Request): PromptWatch | undefined {
  return watches.get(request);
}

export class PromptWatch {
  readonly #host: Host;
  readonly #session: LiveSession;
  readonly #request: Request;
  readonly #prompt: Prompt;
  /** A person types there: what is printed is theirs. */
  #isTyped = false;
  /** A line of a person that nothing is known of yet. */
  #line: { readonly seq: number; readonly by: Actor } | null = null;
  /** Looks in a row that found no prompt: one may fall between two reads. */
  #missed = 0;
  #stops: (() => void)[] = [];
  #stopLooking = (): void => {};

  constructor(host: Host, session: LiveSession, request: Request, prompt: Prompt) {
    this.#host = host;
    this.#session = session;
    this.#request = request;
    this.#prompt = prompt;
    watches.set(request, this);
    this.#stops = [
      session.listen((entry, body, payload) => {
        if (body?.case === "input") this.#typedBy({ id: entry.actor, via: entry.via }, entry.seq, payload);
        if (body?.case === "inputSettled" && Number(body.value.inputSeq) === this.#line?.seq)
          this.#lineSettled(body.value.secret);
      }),
      host.gate.approvals.listen(() => {
        if (!this.#isPending) this.#stop();
      }),
    ];
    this.#lookAgain();
  }

  #typedBy(by: Actor, seq: number, bytes: Uint8Array): void {
    const kind = this.#host.registry.byName(by.id)?.kind;
    if (kind === "human") this.#isTyped = true;
    if (kind === "human" && bytes.includes(ENTER)) this.#line = { seq, by };
    // A person's line would go behind it.
    if (kind === "ai" || kind === "service") this.#host.ports.defer(() => this.#void(`${by.id} typed at that prompt`));
  }

  get #isPending(): boolean {
    return this.#request.approval.phase.name === "pending";
  }

  #stop(): void {
    this.#stopLooking();
    for (const stop of this.#stops.splice(0)) stop();
  }

  #void(why: string): void {
    this.#host.gate.approvals.voidWhere((r) => r === this.#request, why);
  }

  /** N2, of who typed it at a terminal of their own. */
  #lineSettled(isSecret: boolean): void {
    const line = this.#line!;
    this.#line = null;
    if (!isSecret || this.#request.isBeingAnswered) return;
    // In the middle of another record.
    this.#host.ports.defer(() => {
      if (this.#isPending) this.#host.gate.approvals.answer(this.#request, line.by, "answered", "");
    });
  }

  #isSame(now: Prompt): boolean {
    return now.of === this.#prompt.of && (this.#isTyped || now.printed === this.#prompt.printed);
  }

  #lookAgain(): void {
    this.#stopLooking = later(this.#host, () => {
      promptOf(this.#session, this.#host.ports)
        .then(
          (now) => this.#looked(now),
          // The shim does not answer now; its end is told otherwise.
          () => {},
        )
        .finally(() => {
          if (this.#isPending) this.#lookAgain();
        });
    });
  }

  #looked(now: Prompt | null): void {
    this.#missed = now ? 0 : this.#missed + 1;
    // What became of a line is told in a moment.
    if (!this.#isPending || this.#line || this.#request.isBeingAnswered) return;
    if (now ? !this.#isSame(now) : this.#missed > 1) this.#void("the prompt is gone, or another");
  }

  /** A person's line for it. Throws what keeps it from being typed, and what became of it instead. */
  async give(by: RegisteredOperator, via: string, secret: Uint8Array): Promise<void> {
    const { approvals } = this.#host.gate;
    const session = this.#session;
    const label = session.facts.name || session.id;
    const cameToNothing = approvals.answering(this.#request);
    try {
      if (this.#isTyped)
        throw new HoldError("line_not_empty", `somebody types at that prompt of session ${label} already`, {
          session: session.id,
        });
      const now = await promptOf(session, this.#host.ports);
      if (!this.#isPending || !now || !this.#isSame(now) || this.#isTyped) {
        this.#void("the prompt is gone, or another");
        throw new HoldError("approval_void", `the prompt of session ${label} is gone, or another; nothing was typed`, {
          session: session.id,
        });
      }
      const steers = session.floor.tenure?.operator.id === by.id;
      const { seq, became } = await this.#typed(by, via, secret);
      if (!steers) this.#letGo(by, via);
      if (became === "unseen") {
        if (this.#isPending) approvals.answer(this.#request, { id: by.id, via }, "answered", "");
        return;
      }
      this.#erase(seq);
      this.#void(became === "seen" ? "what was given was shown by the terminal" : "what was given was not read");
      throw new HoldError(
        "approval_void",
        became === "seen"
          ? `the prompt of session ${label} was gone in that moment, and the terminal may have shown what you gave: it is erased from the record of inputs; take it for known`
          : `the program of session ${label} did not get all of it; look at its screen`,
        { session: session.id },
      );
    } finally {
      cameToNothing();
    }
  }

  #typed(
    by: RegisteredOperator,
    via: string,
    secret: Uint8Array,
  ): Promise<{ readonly seq: number; readonly became: "unseen" | "seen" | "unread" }> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      let seq = 0;
      const stop = session.listen((entry, body) => {
        // The first one of theirs from here on is recorded within `offer`, or when another's unit has ended.
        if (body?.case === "input" && body.value.writer === writer) seq = entry.seq;
        if (body?.case !== "inputSettled" || seq === 0 || Number(body.value.inputSeq) !== seq) return;
        stop();
        const became = body.value.status !== InputStatus.APPLIED ? "unread" : body.value.secret ? "unseen" : "seen";
        // In the middle of another record.
        this.#host.ports.defer(() => resolve({ seq, became }));
      });
      const tell = (reply: InputReply): void => {
        // Applied: the record that follows says whether it was unseen.
        if (reply.status === InputStatus.APPLIED || reply.status === InputStatus.UNSPECIFIED) return;
        stop();
        if (reply.status === InputStatus.REFUSED) reject(reply.error!);
        else resolve({ seq, became: "unread" });
      };
      const writer = `${by.id}/${this.#host.ports.newId(16)}`;
      const input = create(InputSchema, { n: 1n, data: Buffer.concat([secret, Uint8Array.of(ENTER)]) });
      session.offer(by, via, null, writer, input, tell);
    });
  }

  /** Who gave a line and did not steer before leaves the floor as free as one line needs it. */
  #letGo(by: RegisteredOperator, via: string): void {
    const { host, session } = { host: this.#host, session: this.#session };
    if (session.isOver || session.floor.tenure?.operator.id !== by.id) return;
    session.changeFloor(floorCommand(host, session, by, "", FloorVerb.RELEASE, ""), { id: by.id, via });
  }

  /** N3 */
  #erase(seq: number): void {
    const redacted = this.#session.redact([seq]);
    if (redacted.length === 0) return;
    const value = create(EventBody_RedactedSchema, { seqs: redacted.map(BigInt), reason: "given as a secret" });
    this.#session.record({ id: "system:host", via: "host" }, { case: "redacted", value });
  }
}
