/**
 * What AIs have asked for and nobody has decided, or nobody has used: the requests of this host, in memory.
 *
 *   P1  A request is recorded before anybody is told of it, a decision before it has an effect.
 *   P2  It is over at the first of: used, denied, its time, and any change of what it is bound to. Those that come as events (the
 *       floor, a pause, an end, a revocation, another policy) end it at once; the others (directory, program, environment) are
 *       looked at when somebody decides and when it is used.
 *   P3  Whoever asks again for the very same deed waits on the same request: a caller that was cut off finds it again.
 *   P4  Nothing of this outlives the host: a request that is open at its end is void.
 *   P5  A question, too, is a request: it is over with a person's answer. Neither the floor nor a pause or another policy ends it, and
 *       whoever asks it again in its time is told what became of it.
 */
import { approval as room, type Approval, approvalLimits, MonotonicMs } from "@holdfast/core";
import {
  create,
  EventBody_ApprovalAskedSchema,
  EventBody_ApprovalDecidedSchema,
  EventBody_ApprovalOverSchema,
  HoldError,
} from "@holdfast/protocol";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { Actor } from "../session/book.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { SessionPorts } from "../session/ports.ts";
import type { Body } from "../session/record.ts";
import { bindingOf, type Bound, changeBetween, likenessOf } from "./binding.ts";

const MAX_OPEN = 256;
const MAX_OPEN_OPERATOR = 16;
/** How long a call is kept waiting. Clients of AIs give up after 60 s; who asks again goes on waiting (P3). */
const WAIT_MS = 45_000;
const RECORDED_CHARS = 1_024;
/** Requests that are over, for the one who asks what became of theirs. */
const KEPT_OVER = 64;

const NOTHING_SHOWN: Shown = { sessionName: "", argv: [], data: new Uint8Array(0), dataBytes: 0, env: [], executable: "" };

/** What is asked for, as a person is to see it. */
export interface Shown {
  readonly sessionName: string;
  readonly argv: readonly string[];
  readonly data: Uint8Array;
  readonly dataBytes: number;
  readonly env: readonly string[];
  readonly executable: string;
}

/** What a question has beside its words. */
export interface Question {
  readonly options: readonly string[];
  /** A person may take the floor instead of answering. */
  readonly handoff: boolean;
  /** Of a secret: who reads it, in words. */
  readonly reads: string;
}

export interface Asked {
  readonly by: RegisteredOperator;
  readonly via: string;
  readonly bound: Bound;
  /** What it is bound to now. */
  readonly now: () => Bound;
  readonly shown: Shown;
  /** P5; absent: a deed. */
  readonly question?: Question;
  /** Absent: the policy's. */
  readonly lifetimeMs?: number;
}

export interface Request extends Asked {
  approval: Approval;
  readonly likeness: string;
  readonly askedUnixMs: number;
  readonly expiresUnixMs: number;
  readonly waiting: Set<() => void>;
  /** A person is giving their answer right now: its time does not end meanwhile, and nobody else answers. */
  isBeingAnswered: boolean;
  stopTimer: () => void;
}

export interface ApprovalsWorld {
  readonly ports: Pick<SessionPorts, "clock" | "wakeAt" | "newId" | "log" | "defer">;
  readonly lifetimeMs: () => number;
  /** Into the session's journal, or the host's own for what is about none. Throws the journal's fault. */
  readonly record: (session: string, by: Actor, body: Body) => void;
}

export class Approvals {
  readonly #world: ApprovalsWorld;
  readonly #open = new Map<string, Request>();
  #over: Request[] = [];
  readonly #listeners = new Set<() => void>();

  constructor(world: ApprovalsWorld) {
    this.#world = world;
  }

  /** Told after every change. */
  listen(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  get size(): number {
    return this.#open.size;
  }

  /** Open ones, oldest first. */
  list(): readonly Request[] {
    return [...this.#open.values()];
  }

  /** Throws `no_such_approval`. */
  found(id: string): Request {
    const request = this.#open.get(id) ?? this.#over.find((r) => r.approval.id === id);
    if (!request)
      throw new HoldError(
        "no_such_approval",
        `there is no request ${JSON.stringify(id.slice(0, 64))}; hold approvals lists those that wait`,
      );
    return request;
  }

  /** P1, P3. Throws `too_many`, and the journal's fault. */
  ask(asked: Asked): Request {
    const same = this.like(asked);
    if (same?.approval.phase.name === "pending" || same?.approval.phase.name === "allowed") return same;
    const likeness = likenessOf(asked.bound);
    const theirs = this.list().filter((r) => r.by.id === asked.by.id);
    if (theirs.length >= MAX_OPEN_OPERATOR || this.#open.size >= MAX_OPEN)
      throw new HoldError(
        "too_many",
        `${theirs.length} requests of ${asked.by.name} wait for approval, ${this.#open.size} on this host: wait until some are decided`,
      );
    const { clock, wakeAt, newId } = this.#world.ports;
    const ms = asked.lifetimeMs ?? Math.min(approvalLimits.mostMs, this.#world.lifetimeMs());
    const askedUnixMs = Math.trunc(clock.wallMs());
    const id = newId(8);
    const expiresUnixMs = askedUnixMs + ms;
    const expiresAt = MonotonicMs(clock.monoMs() + ms);
    const binding = bindingOf(asked.bound, { id, expiresUnixMs });
    const { actors, deed, cwd, epoch, session, what } = asked.bound;
    const request: Request = {
      ...asked,
      approval: { id, binding, actors, expiresAt, phase: { name: "pending" } },
      likeness,
      askedUnixMs,
      expiresUnixMs,
      waiting: new Set(),
      isBeingAnswered: false,
      stopTimer: () => {},
    };
    const value = create(EventBody_ApprovalAskedSchema, {
      approval: id,
      deed,
      what: cut(what.toWellFormed()),
      cwd: cut(cwd.toWellFormed()),
      executable: cut(asked.shown.executable.toWellFormed()),
      onBehalfOf: actors.slice(1),
      epoch: BigInt(epoch),
      expiresUnixMs: BigInt(expiresUnixMs),
      binding: Buffer.from(binding, "hex"),
    });
    this.#world.record(session, { id: asked.by.id, via: asked.via }, { case: "approvalAsked", value });
    this.#open.set(id, request);
    request.stopTimer = wakeAt(expiresAt, () => this.#late(request));
    this.#changed();
    return request;
  }

  /** P3, P5: the request that this would be once more. */
  like({ bound, by }: Pick<Asked, "bound" | "by">): Request | null {
    const likeness = likenessOf(bound);
    const is = (r: Request): boolean => r.likeness === likeness && r.by.id === by.id;
    const now = this.#world.ports.clock.monoMs();
    return this.list().find(is) ?? this.#over.findLast((r) => r.question && is(r) && now < r.approval.expiresAt) ?? null;
  }

  #late(request: Request): void {
    if (request.isBeingAnswered) return;
    const why = request.approval.phase.name === "pending" ? "nobody decided in time" : "it was not used in time";
    this.#end(request, "expired", "system:policy", why);
  }

  /**
   * Resolves when it is allowed, or answered. Rejects with `approval_denied`, `approval_expired`, `approval_void`; with `needs_approval` when the
   * caller gave up, or has waited for as long as one call may: the request stays.
   */
  wait(request: Request, signal: AbortSignal | null, withinMs = WAIT_MS): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock, wakeAt } = this.#world.ports;
      const leave = (): void => {
        late();
        signal?.removeEventListener("abort", gone);
        request.waiting.delete(look);
      };
      const gone = (): void => {
        leave();
        reject(this.#pending(request));
      };
      const look = (): void => {
        const { phase } = request.approval;
        if (phase.name === "pending") return;
        leave();
        if (phase.name === "allowed" || phase.outcome === "answered" || phase.outcome === "handed") resolve();
        else reject(this.#outcome(request));
      };
      // A frame has no deadline of its own but the request's.
      const late = signal ? wakeAt(MonotonicMs(clock.monoMs() + Math.min(withinMs, WAIT_MS)), gone) : () => {};
      request.waiting.add(look);
      signal?.addEventListener("abort", gone, { once: true });
      if (signal?.aborted) gone();
      else look();
    });
  }

  /** A person's word on it. Throws the refusal; P1, P2. */
  decide(id: string, by: RegisteredOperator, via: string, said: Omit<room.Decision, "by">): Request {
    const request = this.found(id);
    if (request.question)
      throw new HoldError("bad_request", `${id} is a question; answer it with: hold approvals answer ${id}`, { approval: id });
    const decision = { ...said, by: { id: by.id, name: by.name, kind: by.kind } };
    const refusal = room.refuseDecision(request.approval, decision, this.#world.ports.clock.monoMs());
    if (refusal) throw refusalOf(refusal, request, by);
    if (said.allow) {
      const changed = changeBetween(request.bound, request.now());
      if (changed !== "") {
        this.#end(request, "void", "system:policy", `${changed} changed`);
        throw this.#outcome(request);
      }
    }
    const value = create(EventBody_ApprovalDecidedSchema, { approval: id, allowed: said.allow, reason: cut(said.why) });
    this.#world.record(request.bound.session, { id: by.id, via }, { case: "approvalDecided", value });
    request.approval = room.decided(request.approval, decision);
    if (request.approval.phase.name === "over") this.#close(request);
    this.#tell(request);
    return request;
  }

  /** Throws where this person may not answer it now (core/approval Q5). */
  demandAnswerable(request: Request, by: RegisteredOperator, mayAnswer: boolean, binding: string): void {
    const answer = { by: { id: by.id, name: by.name, kind: by.kind }, mayAnswer, binding };
    const refusal = room.refuseAnswer(request.approval, answer, this.#world.ports.clock.monoMs());
    if (refusal) throw refusalOf(refusal, request, by);
    if (request.isBeingAnswered) throw refusalOf("over", request, by);
  }

  /** A person's word on a question, after {@link demandAnswerable}; P1. */
  answer(request: Request, by: Actor, outcome: "answered" | "handed" | "denied", words: string): void {
    const value = create(EventBody_ApprovalOverSchema, { approval: request.approval.id, outcome, reason: cut(words) });
    this.#world.record(request.bound.session, by, { case: "approvalOver", value });
    request.approval = room.over(request.approval, outcome, by.id, words);
    this.#close(request);
    this.#tell(request);
  }

  /** Somebody begins to answer, which takes a moment. Returns what to call when that came to nothing. */
  answering(request: Request): () => void {
    request.isBeingAnswered = true;
    this.#changed();
    return () => {
      request.isBeingAnswered = false;
      if (this.#world.ports.clock.monoMs() >= request.approval.expiresAt) this.#late(request);
      this.#changed();
    };
  }

  /** Uses it up for the deed that it is for, which the caller does in this very turn of the loop. Null, or why it is not good any more. */
  use(request: Request): HoldError | null {
    const is = request.now();
    const binding = bindingOf(is, { id: request.approval.id, expiresUnixMs: request.expiresUnixMs });
    const refusal = room.refuseUse(request.approval, binding, this.#world.ports.clock.monoMs());
    if (refusal === "other_binding") this.#end(request, "void", "system:policy", `${changeBetween(request.bound, is)} changed`);
    else if (refusal === "expired") this.#end(request, "expired", "system:policy", "it was not used in time");
    else if (refusal === "pending") return this.#pending(request);
    if (refusal) return this.#outcome(request);
    this.#end(request, "used", request.by.id, "");
    return null;
  }

  /** P2. At once; recorded in a moment, since whoever tells of this may be in the middle of a record of their own. */
  voidWhere(which: (request: Request) => boolean, why: string): void {
    for (const request of this.list())
      if (which(request)) this.#end(request, "void", "system:policy", why, (run) => this.#world.ports.defer(run));
  }

  #end(
    request: Request,
    outcome: "used" | "expired" | "void",
    by: string,
    why: string,
    when: (run: () => void) => void = (run) => run(),
  ): void {
    if (request.approval.phase.name === "over") return;
    request.approval = room.over(request.approval, outcome, by, why);
    this.#close(request);
    const value = create(EventBody_ApprovalOverSchema, { approval: request.approval.id, outcome, reason: cut(why) });
    when(() => {
      try {
        this.#world.record(request.bound.session, { id: by, via: "policy" }, { case: "approvalOver", value });
      } catch (fault) {
        if (!isJournalFault(fault)) throw fault;
        this.#world.ports.log(`approval ${request.approval.id} is ${outcome}, which can't be recorded: ${String(fault)}`);
      }
    });
    this.#tell(request);
  }

  #close(request: Request): void {
    request.stopTimer();
    this.#open.delete(request.approval.id);
    // What it became is all that is asked of it any more.
    this.#over = [...this.#over, { ...request, shown: NOTHING_SHOWN }].slice(-KEPT_OVER);
  }

  #tell(request: Request): void {
    for (const look of [...request.waiting]) look();
    this.#changed();
  }

  #changed(): void {
    for (const told of [...this.#listeners]) told();
  }

  #pending(request: Request): HoldError {
    const { approval, expiresUnixMs, question } = request;
    const until = new Date(expiresUnixMs).toISOString();
    const what = question ? "answer" : "approval";
    return new HoldError(
      "needs_approval",
      `that waits for a person's ${what} (${approval.id}) until ${until}; ask for the very same again to go on waiting, or do without it`,
      { approval: approval.id, until },
    );
  }

  #outcome({ approval, question }: Request): HoldError {
    const { phase, id } = approval;
    if (phase.name !== "over" || phase.outcome === "answered" || phase.outcome === "handed")
      return new HoldError("internal", `approval ${id} is not over`);
    const because = phase.why === "" ? "" : `: ${phase.why}`;
    const details = { approval: id, ...(phase.by.startsWith("system:") ? {} : { by: phase.by }) };
    switch (phase.outcome) {
      case "denied":
        return new HoldError(
          "approval_denied",
          `${phase.by} ${question ? "does not answer" : "denied"} that (${id})${because}; nothing was done`,
          details,
        );
      case "expired":
        return new HoldError(
          "approval_expired",
          `nobody ${question ? "answered" : "approved"} that in time (${id}); nothing was done`,
          details,
        );
      case "used":
        return new HoldError("approval_void", `approval ${id} was used already; each is good once`, details);
      case "void":
        return new HoldError(
          "approval_void",
          `the request ${id} is void${because}; nothing was done. Look again, then ask again if it is still wanted`,
          details,
        );
    }
  }
}

function refusalOf(refusal: room.DecisionRefusal, request: Request, by: RegisteredOperator): HoldError {
  const { id, phase } = request.approval;
  const details = { approval: id, operator: by.id };
  switch (refusal) {
    case "not_a_person":
    case "no_right":
      return new HoldError("not_permitted", `${by.name} may not approve: people with the role approver or admin do`, details);
    case "own":
      return new HoldError(
        "not_permitted",
        `${id} was asked by ${by.name}, or by an AI that acts for ${by.name}: somebody else decides. One person alone adds a second operator for that: hold operator add NAME --role approver --passphrase`,
        details,
      );
    case "unprotected":
      return new HoldError(
        "not_protected",
        `this key of ${by.name} is not marked as one that no program of the same user can use, AIs among them, so it approves nothing. An admin adds one that a passphrase keeps: hold operator add NAME --role approver --passphrase, then hold --as NAME approvals`,
        details,
      );
    case "over":
      return new HoldError(
        "approval_void",
        `${id} is decided or over already (${phase.name === "over" ? phase.outcome : phase.name})`,
        details,
      );
    case "expired":
      return new HoldError("approval_expired", `the time of ${id} is over; nothing was done`, details);
    case "other_binding":
      return new HoldError(
        "approval_void",
        `${id} is not what you were shown; look at it again: hold approvals show ${id}`,
        details,
      );
  }
}

function cut(text: string): string {
  return text.length <= RECORDED_CHARS ? text : `${text.slice(0, RECORDED_CHARS - 1)}…`;
}
