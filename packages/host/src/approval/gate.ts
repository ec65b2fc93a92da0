/**
 * The gate: whether an AI may do one thing now, by the policy that is in force. Everybody else walks through: people and services
 * are judged by their roles.
 *
 *   G1  What is typed passes here where it is admitted (session/inputs.ts); everything else where the host answers a call
 *       (call/answer.ts) or a frame of a link. A path that does not ask is refused: an unknown way in is typing.
 *   G2  What was allowed is used in the turn of the loop in which it is looked at for the last time, and once.
 *   G3  A command beside a session (`hold exec`) is under that session's rules, and its pause; so is one beside such a command.
 *   G4  No AI brings a session under other rules by renaming it.
 */
import { createHash } from "node:crypto";
import { type AiPolicy, type Deed, plainWords, ruleOn, type Ruled, sectionsOf, type SessionNames } from "@holdfast/core";
import { create, EventBody_ApprovalOverSchema, HoldError, type Input } from "@holdfast/protocol";
import type { OperatorRegistry, RegisteredOperator } from "../operator/registry.ts";
import type { PolicyStore } from "../policy/store.ts";
import type { Actor } from "../session/book.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { SessionPorts } from "../session/ports.ts";
import { directoryOf, environmentOf } from "../session/surroundings.ts";
import type { Body } from "../session/record.ts";
import type { LiveSession } from "../session/session.ts";
import type { Pass, Typed } from "../session/typing.ts";
import { FREE } from "../session/typing.ts";
import { Approvals, type Request } from "./approvals.ts";
import type { Bound } from "./binding.ts";
import { findProgram } from "./executable.ts";

/** Bytes of new content that a person is shown. */
const SHOWN_BYTES = 64 * 1024;

/** One thing that an AI is about to do. */
export interface Act {
  readonly deed: Deed;
  /** Null: about no session yet; then `names` are what it will be called. */
  readonly session: LiveSession | null;
  readonly names?: SessionNames;
  /** In words, with everything that tells it from others of its deed; a function of what is looked at anew when it is used. */
  readonly what: string | (() => string);
  /** What rules about commands go by; see core's Question. */
  readonly command?: readonly string[] | null;
  readonly argv?: readonly string[];
  /** The program to find; absent: none, or none that can be known. */
  readonly program?: string;
  /** Shown; bound to as it is, or to `dataHash`. */
  readonly data?: Uint8Array;
  readonly dataBytes?: number;
  readonly dataHash?: string;
  /** Absent: where the session stands. */
  readonly cwd?: string;
  /** K=V. Absent with `isInEnvironment`: the session's of now. */
  readonly env?: readonly string[];
  readonly isInEnvironment?: boolean;
}

/** What the gate asks of the host. */
export interface GateWorld {
  readonly ports: Pick<SessionPorts, "clock" | "wakeAt" | "newId" | "log" | "defer">;
  readonly policy: PolicyStore;
  readonly registry: Pick<OperatorRegistry, "byName">;
  readonly sessions: ReadonlyMap<string, LiveSession>;
  /** The session that a command runs beside, which is no command itself; empty for one that is no such command. */
  parentOf(session: LiveSession): string;
  environmentPath(session: string): string;
  /** Into the host's own record. */
  record(by: Actor, body: Body): void;
}

export class Gate {
  readonly approvals: Approvals;
  readonly #host: GateWorld;

  constructor(host: GateWorld) {
    this.#host = host;
    this.approvals = new Approvals({
      ports: host.ports,
      lifetimeMs: () => host.policy.policy.approvalMs,
      record: (id, by, body) => {
        const session = host.sessions.get(id);
        if (session) session.record(by, body);
        else host.record(by, body);
      },
    });
  }

  get #policy(): AiPolicy {
    return this.#host.policy.policy;
  }

  // --- what is typed ---

  /** One frame of an AI, for inputs.ts. */
  typed(session: LiveSession, by: RegisteredOperator, via: string, frame: Input): Typed {
    const paused = this.#paused(session);
    if (paused) return paused;
    // The end of what its own command reads is no input: `hold exec` without any sends it too.
    if (frame.eof && frame.data.length === 0 && session.facts.openedBy === by.id && this.#host.parentOf(session) !== "")
      return FREE;
    const deed = frame.interrupt ? "signals" : "keys";
    const ruled = ruleOn(this.#policy, { deed, session: this.#namesOf(session) });
    if (ruled.ruling === "allow") return FREE;
    if (ruled.ruling === "deny") return this.#denial(deed, ruled, session);
    if (frame.unit !== "")
      return new HoldError(
        "policy_denied",
        `input that a person is asked about comes in one frame: at most 64 KiB at once into session ${session.facts.name || session.id}`,
        { session: session.id, deed },
      );
    const act = typedAct(session, frame);
    return { ask: (patience) => this.#asked(by, via, act, patience) };
  }

  // --- everything else ---

  /** For what nobody is asked about. Throws `policy_denied`, and while AIs are paused `ai_paused` for all but looking. */
  demand(by: RegisteredOperator, deed: Deed, session: LiveSession): void {
    if (by.kind !== "ai") return;
    if (deed !== "observe") this.demandUnpaused(by, session);
    const ruled = ruleOn(this.#policy, { deed, session: this.#namesOf(session) });
    if (ruled.ruling !== "allow") throw this.#denial(deed, ruled, session);
  }

  /** For what comes in several calls and is asked about at its end. Throws `policy_denied`. */
  rulingOn(by: RegisteredOperator, deed: Deed, session: LiveSession): "allow" | "ask" {
    if (by.kind !== "ai") return "allow";
    const ruled = ruleOn(this.#policy, { deed, session: this.#namesOf(session) });
    if (ruled.ruling === "deny") throw this.#denial(deed, ruled, session);
    return ruled.ruling;
  }

  /** As {@link demand}, for what is left away in silence. */
  allows(by: RegisteredOperator, deed: Deed, session: LiveSession): boolean {
    if (by.kind !== "ai") return true;
    if (deed !== "observe" && this.#paused(session)) return false;
    return ruleOn(this.#policy, { deed, session: this.#namesOf(session) }).ruling === "allow";
  }

  /** Resolves with what lets it through, to be used at once (G2). Rejects with the denial, or with what a person said. */
  admit(by: RegisteredOperator, via: string, act: Act, signal: AbortSignal): Promise<Pass> {
    const { deed, session } = act;
    if (by.kind !== "ai") return Promise.resolve(FREE);
    const paused = session && this.#paused(session);
    if (paused) return Promise.reject(paused);
    const ruled = this.#ruledOn(act);
    if (ruled.ruling === "allow") return Promise.resolve(FREE);
    if (ruled.ruling === "deny") return Promise.reject(this.#denial(deed, ruled, session));
    return this.#asked(by, via, act, signal);
  }

  /**
   * A person is asked about this very deed already (approvals.ts P3). Who asks with `take` again does not take the floor for it: that would raise the
   * epoch which the request is bound to, and it was taken when they asked first.
   */
  isAsked(by: RegisteredOperator, act: Act): boolean {
    return by.kind === "ai" && this.approvals.like({ by, bound: this.#bound(by, act) }) !== null;
  }

  /** For what was let through without a question and may be done later: it is judged once more when it is. */
  whileAllowed(by: RegisteredOperator, act: Act): Pass {
    const { deed, session } = act;
    if (by.kind !== "ai") return FREE;
    return {
      use: () => {
        const paused = session && this.#paused(session);
        if (paused) return paused;
        const ruled = this.#ruledOn(act);
        return ruled.ruling === "allow" ? null : this.#denial(deed, ruled, session);
      },
    };
  }

  #ruledOn({ deed, session, names, command }: Act): Ruled {
    const of = session ? this.#namesOf(session) : (names ?? null);
    return ruleOn(this.#policy, { deed, session: of, ...(command === undefined ? {} : { command }) });
  }

  /** G4. */
  demandRename(by: RegisteredOperator, session: LiveSession, name: string): void {
    if (by.kind !== "ai") return;
    const of = (names: SessionNames): string =>
      JSON.stringify(sectionsOf(this.#policy, names).map((section) => this.#policy.sections.indexOf(section)));
    const names = this.#namesOf(session);
    if (of(names) === of({ ...names, name })) return;
    throw new HoldError(
      "policy_denied",
      `as ${name} the session ${session.facts.name} (${session.id}) would come under other rules of the policy: a person renames it`,
      { session: session.id, deed: "open" },
    );
  }

  /** G3: the session, or the one beside which it runs, is paused. Throws `ai_paused`. */
  demandUnpaused(by: RegisteredOperator, session: LiveSession): void {
    const paused = by.kind === "ai" ? this.#paused(session) : null;
    if (paused) throw paused;
  }

  #paused(session: LiveSession): HoldError | null {
    const of = [session, this.#ruler(session)].find((s) => s.floor.aiPaused);
    if (!of) return null;
    const name = of.facts.name || of.id;
    return new HoldError(
      "ai_paused",
      `AI operators are paused in session ${name}; a person ends that with: hold ai resume ${name}`,
      {
        session: of.id,
      },
    );
  }

  /** G3. */
  #ruler(session: LiveSession): LiveSession {
    const parent = this.#host.parentOf(session);
    return parent === "" ? session : (this.#host.sessions.get(parent) ?? session);
  }

  #namesOf(session: LiveSession): SessionNames {
    const of = this.#ruler(session);
    // A command whose session is forgotten has its group still; its own name is its program's, which is no session's.
    return { name: of === session && this.#host.parentOf(session) !== "" ? "" : of.facts.name, group: of.facts.group };
  }

  #denial(deed: Deed, { ruling, because }: Ruled, session: LiveSession | null): HoldError {
    const where = session ? ` in session ${session.facts.name || session.id}` : "";
    const why = ruling === "ask" ? `${because}, and nobody is asked about ${deed}` : because;
    return new HoldError(
      "policy_denied",
      `the policy keeps AIs from ${deed}${where}: ${why}; an admin changes it: hold policy show`,
      {
        deed,
        ...(session ? { session: session.id } : {}),
      },
    );
  }

  // --- asking ---

  async #asked(by: RegisteredOperator, via: string, act: Act, signal: AbortSignal | null): Promise<Pass> {
    const now = (): Bound => this.#bound(by, act);
    const bound = now();
    const data = act.data ?? new Uint8Array(0);
    const request: Request = this.approvals.ask({
      by,
      via,
      bound,
      now,
      shown: {
        sessionName: act.session?.facts.name ?? act.names?.name ?? "",
        argv: act.argv ?? [],
        data: data.subarray(0, SHOWN_BYTES).slice(),
        dataBytes: act.dataBytes ?? data.length,
        env: act.session ? [] : (act.env ?? []),
        executable: bound.executable.slice(0, Math.max(0, bound.executable.indexOf("\0"))),
      },
    });
    await this.approvals.wait(request, signal);
    return { use: () => this.approvals.use(request) };
  }

  #bound(by: RegisteredOperator, act: Act): Bound {
    const { session } = act;
    const known = this.#host.registry.byName(by.id) ?? by;
    const cwd = act.cwd ?? (session ? directoryOf(session) : "");
    const env = act.env ?? (session && (act.isInEnvironment || act.program !== undefined) ? this.#environment(session) : []);
    const path = env.find((kv) => kv.startsWith("PATH="))?.slice("PATH=".length) ?? "";
    const found = act.program === undefined ? null : findProgram(act.program, cwd, path);
    const isBoundToEnvironment = act.env !== undefined || act.isInEnvironment === true;
    return {
      deed: act.deed,
      session: session?.id ?? "",
      incarnation: session?.facts.incarnation ?? 0,
      epoch: session?.floor.epoch ?? 0,
      actors: [known.id, ...(known.onBehalfOf === "" ? [] : [known.onBehalfOf])],
      what: typeof act.what === "string" ? act.what : act.what(),
      argv: act.argv ?? [],
      data: act.dataHash ?? (act.data ? createHash("sha256").update(act.data).digest("hex") : ""),
      cwd,
      executable: found ? `${found.path}\0${found.identity}` : "",
      env: isBoundToEnvironment ? createHash("sha256").update(JSON.stringify(env)).digest("hex") : "",
    };
  }

  #environment(session: LiveSession): readonly string[] {
    try {
      return environmentOf(session, this.#host.environmentPath(session.id)).env;
    } catch (fault) {
      if (fault instanceof HoldError) return [];
      throw fault;
    }
  }

  // --- what makes requests void ---

  /** A record of a session, after it was folded. */
  heard(session: LiveSession, body: Body | null): void {
    if (this.approvals.size === 0 || !body) return;
    const why = whyVoid(body);
    if (why === null) return;
    this.approvals.voidWhere(({ bound, question }) => {
      if (question && !endsProgram(body)) return false;
      if (bound.session === session.id) return true;
      const own = this.#host.sessions.get(bound.session);
      return own !== undefined && this.#ruler(own) === session;
    }, why);
  }

  /** A session that another host had: what was asked there is void (approvals.ts P4). */
  restarted(session: LiveSession): void {
    for (const approval of session.facts.openApprovals ?? []) {
      const value = create(EventBody_ApprovalOverSchema, { approval, outcome: "void", reason: "the host was restarted" });
      try {
        session.record({ id: "system:policy", via: "policy" }, { case: "approvalOver", value });
      } catch (fault) {
        if (!isJournalFault(fault)) throw fault;
        this.#host.ports.log(`session ${session.id}: approval ${approval} is void, which can't be recorded: ${String(fault)}`);
      }
    }
  }

  revoked(operator: string): void {
    this.approvals.voidWhere(
      ({ approval: { actors, phase } }) => actors.includes(operator) || (phase.name === "allowed" && phase.by === operator),
      `operator ${operator} was revoked`,
    );
  }

  policyLoaded(): void {
    this.approvals.voidWhere(({ question }) => !question, "another policy was loaded");
  }
}

/** One frame that is no part of several. */
export function typedAct(session: LiveSession, { data, eof, interrupt }: Input): Act {
  const what = interrupt ? "interrupts what runs" : eof ? "types, and closes the input" : "types";
  return { deed: interrupt ? "signals" : "keys", session, what, data };
}

/** Null: it makes nothing void. */
function whyVoid(body: Body): string | null {
  switch (body.case) {
    case "floorChanged":
      return body.value.holder === "" ? null : "the floor changed hands";
    case "aiPaused":
      return body.value.paused ? "AI operators were paused" : null;
    case "exited":
    case "ended":
    case "removed":
      return "the session ended";
    case "started":
      return "the session's program was started anew";
    case "renamed":
      return "the session was renamed";
    default:
      return null;
  }
}

/** Of what makes deeds void: what makes a question void, too (approvals.ts P5). */
function endsProgram({ case: kind }: Body): boolean {
  return kind === "exited" || kind === "ended" || kind === "removed" || kind === "started";
}

/** What rules about commands go by in a line of shell text, and the program that it starts. */
export function commandOf(text: string): Pick<Act, "command" | "program"> {
  // As it is typed (shell/wrap.ts): the line ends at its end are the Enter.
  const words = plainWords(text.replace(/\r\n?/g, "\n").replace(/\n+$/, ""));
  return words ? { command: words, program: words[0]! } : { command: null };
}
