/**
 * One operator's link: after the handshake (handshake.ts), calls on channel 0 and attachments on the others.
 *
 *   L1  Before the proof is checked nothing but the handshake is read: 64 KiB and 5 s at most.
 *   L3  Rights are looked up for each frame. What a client says of itself is only `via` and `client`.
 *   L4  When the link is over, its attachments are detached; their sessions go on.
 *   L5  A carrier whose protocol proves the key itself hands over whom it has proven; from there on nothing differs. Where frames of ours come
 *       over it, a client says so with an empty key id, or proves a key of its own, as it likes.
 *   L6  A link that shows a continuity token takes up that attachment, and the older link loses it; what that operator may do is looked
 *       up as ever.
 *   L7  A link ends with the operator whom it has proven, and with the key that it was proven by. Both are looked up once more when it opens: reading a
 *       grant, or what a request brings, takes a while, and nobody hears of a revocation meanwhile.
 *   L8  A link that a grant has opened ends with it, whatever is under way.
 */
import type { Link, LinkHandlers } from "@holdfast/carrier";
import { capabilitiesOf, creditWindow, MonotonicMs, Offset, reader, Seq } from "@holdfast/core";
import {
  create,
  AnswerSchema,
  CONTROL_CHANNEL,
  decodeClient,
  encodeHost,
  HoldError,
  limits,
  type Attach,
  type ClientFrame,
  type Code,
  type Connect,
  type Error as WireError,
  type FloorRequest,
  FloorVerb,
  headOnWire,
  type HostBody,
  type Input,
} from "@holdfast/protocol";
import { answerCall, type CallContext } from "../call/answer.ts";
import { waitingFor } from "../call/approvals.ts";
import { floorCommand, moves } from "../call/floor-command.ts";
import { Forwards } from "../forward/forwards.ts";
import { PortChannels } from "../forward/port-channels.ts";
import type { Host } from "../host.ts";
import type { GivenToken } from "../operator/continuity.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { confineOf, narrowedInPlain } from "../operator/rights.ts";
import { HOP_BYTES, type Channel, type HostAttachment } from "../session/attachment.ts";
import { refusalFrom } from "../session/journal-fault.ts";
import { floorOnWire, kindOnWire } from "../session/on-wire.ts";
import { checkSize } from "../session/open.ts";
import type { SessionPorts } from "../session/ports.ts";
import type { LiveSession } from "../session/session.ts";
import { operatorOf } from "../session/steering.ts";
import { HostHandshake, keyRevoked, type Opening, type Proven } from "./handshake.ts";
import type { HostIdentity } from "./identity.ts";

type Phase =
  | { readonly name: "new" }
  /** `resumes`: L6, not attached yet. */
  | ({ readonly name: "open" } & Omit<Opening, "binding">)
  /** L7: opened to somebody who is out by now, and about to be told so. */
  | { readonly name: "barred" }
  | { readonly name: "over" };

/** Calls and attachments of one link at once: far more than a client needs, few enough that none can exhaust the host. */
const MAX_CALLS = 256;
const MAX_CHANNELS = 256;
/** Of who does not come in, those who would have to be let in by what they showed. */
const TURNED_AWAY: ReadonlySet<Code> = new Set([
  "unknown_credential",
  "revoked",
  "key_revoked",
  "access_ended",
  "invitation_unknown",
  "continuity_unknown",
  "continuity_copied",
]);
/** How long the other end may take to close a link that was refused. */
const REFUSED_MS = 1_000;
/** Carriers that clients of other machines come by. */
const FAR: ReadonlySet<string> = new Set(["websocket", "http", "ssh", "grpc"]);

export class HostLink implements LinkHandlers {
  readonly id: string;
  readonly #host: Host;
  readonly #identity: HostIdentity;
  readonly #link: Link;
  readonly #handshake: HostHandshake;
  #phase: Phase = { name: "new" };
  #preAuthBytes = 0;
  readonly #attachments = new Map<number, { readonly session: LiveSession; readonly attachment: HostAttachment }>();
  /** Made when the first one is asked for. */
  #ports: PortChannels | null = null;
  readonly #calls = new Map<bigint, AbortController>();
  readonly #stopDeadline: () => void;
  readonly #stops: (() => void)[];
  /** Told heads of the chain as they are signed. */
  #isWitness = false;
  /** What was told last of what waits for approval. */
  #toldApprovals = "0 0";
  #stopExpiry: () => void = () => {};
  onOver: (() => void) | null = null;
  /** Told once who is there has proven who they are. */
  onOpen: (() => void) | null = null;

  /** `proven`: who is there has shown so by other means (an SSH client's key), and no handshake follows, unless it `begins` with a hello (L5). */
  constructor(host: Host, identity: HostIdentity, link: Link, proven: Proven | null = null, begins: "open" | "hello" = "open") {
    this.id = host.ports.newId(8);
    this.#host = host;
    this.#identity = identity;
    this.#link = link;
    this.#handshake = new HostHandshake({
      ...{
        host,
        identity,
        link: this.id,
        carrier: link.carrier,
        peerKey: link.peerKey,
        isPlain: link.isPlain ?? false,
        vouched: proven,
      },
      say: (body) => this.#send(CONTROL_CHANNEL, body),
      opened: (opening) => this.#welcome(opening),
      failed: (fault) => this.#refuse(this.#told(fault, `link ${this.id}`)),
    });
    this.#stopDeadline = host.ports.wakeAt(MonotonicMs(host.ports.clock.monoMs() + limits.handshakeMs), () => {
      if (this.#phase.name !== "open") this.#refuse(new HoldError("timed_out", "the handshake took too long"));
    });
    this.#stops = [
      host.gate.approvals.listen(() => this.#tellApprovals()),
      host.onRevoked((operator) => {
        if (this.#phase.name === "open" && this.#phase.operator.id === operator)
          this.#refuse(new HoldError("revoked", `operator ${operator} was revoked`, { operator }));
      }),
      host.onKeyRevoked((operator, keyId) => {
        if (this.#phase.name !== "open" || this.#phase.operator.id !== operator) return;
        const { provenKey } = this.#phase;
        if (!provenKey || Buffer.from(keyId).equals(provenKey)) this.#refuse(keyRevoked(this.#phase.operator));
      }),
    ];
    if (proven && begins === "open") this.#openTo(proven);
  }

  get operator(): RegisteredOperator | null {
    return this.#phase.name === "open" ? this.#phase.operator : null;
  }

  get attachmentCount(): number {
    return this.#attachments.size;
  }

  /** L1: of what is longer the carrier keeps nothing. */
  get maxFrameBytes(): number {
    return this.#phase.name === "open" ? limits.frameBytes : limits.preAuthBytes - this.#preAuthBytes;
  }

  frame(channel: number, message: Uint8Array): void {
    try {
      if (this.#phase.name === "over" || this.#phase.name === "barred") return;
      if (this.#phase.name !== "open") {
        this.#preAuthBytes += message.length;
        if (this.#preAuthBytes > limits.preAuthBytes) throw new HoldError("bad_request", "too much before the handshake");
        return this.#handshake.hear(decodeClient(message));
      }
      const body = decodeClient(message);
      if (channel === CONTROL_CHANNEL) this.#control(body);
      else this.#onChannel(channel, body);
    } catch (fault) {
      this.#refuse(this.#told(fault, `link ${this.id}`));
    }
  }

  drained(): void {
    for (const { session, attachment } of this.#attachments.values()) session.pump(attachment);
    this.#ports?.drained();
  }

  closed(reason: string): void {
    if (this.#phase.name === "over") return;
    const { continuity } = this.#host;
    if (this.#phase.name === "open" && this.#phase.resumes) continuity.lost(this.#phase.resumes.attachment, this.id);
    this.#phase = { name: "over" };
    this.#handshake.giveUp();
    this.#stopDeadline();
    this.#stopExpiry();
    for (const stop of this.#stops) stop();
    for (const call of this.#calls.values()) call.abort();
    this.#ports?.close();
    const isOut = reason === "key_revoked";
    for (const { session, attachment } of this.#attachments.values()) {
      session.detach(attachment.id, reason === "left" ? "left" : isOut ? "revoked" : "link lost");
      if (reason === "left" || isOut) continuity.left(attachment.id);
      else continuity.lost(attachment.id, this.id);
    }
    this.#attachments.clear();
    this.onOver?.();
  }

  // --- its beginning and its end ---

  /** Whoever made this link is not there to hear of its end yet. */
  #openTo(proven: Proven): void {
    const why = this.#outBy(proven);
    if (!why) return void this.#open({ keyId: "", resumes: null, carrier: this.#link.carrier, ...proven });
    this.#phase = { name: "barred" };
    queueMicrotask(() => this.#refuse(why));
  }

  /** L7: null for who may come in. */
  #outBy({ operator, provenKey }: Proven): HoldError | null {
    const { registry } = this.#host;
    if (registry.byName(operator.id)?.revoked !== false)
      return new HoldError("revoked", `operator ${operator.name} was revoked`, { operator: operator.id });
    return provenKey && !registry.byKeyId(provenKey) ? keyRevoked(operator) : null;
  }

  #open(made: Omit<Opening, "binding">): Omit<Opening, "binding"> {
    // What could be forged on the way is worth no more than a grant that leaves the lasting rights out (rights R4).
    const opening = this.#link.isPlain ? { ...made, operator: narrowedInPlain(made.operator), isBearer: true } : made;
    this.#phase = { name: "open", ...opening };
    const { clock, wakeAt } = this.#host.ports;
    if (opening.leftMs !== undefined)
      this.#stopExpiry = wakeAt(MonotonicMs(clock.monoMs() + opening.leftMs), () =>
        this.#refuse(new HoldError("grant_expired", "the grant's time is over; come back with another one")),
      );
    if (opening.provenKey) this.#host.keyUses.used(opening.provenKey, opening.via, this.#host.ports);
    return opening;
  }

  #welcome({ binding, ...opening }: Opening): void {
    const { resumes, isBearer = false } = opening;
    const why = this.#outBy(opening);
    if (why) return this.#refuse(why);
    const { operator } = this.#open(opening);
    this.#stopDeadline();
    this.onOpen?.();
    if (this.#link.isPlain) this.#host.cameInPlain(operator, opening.via);
    this.#send(CONTROL_CHANNEL, {
      case: "welcome",
      value: {
        operator: operator.id,
        name: operator.name,
        kind: kindOnWire(operator.kind),
        capabilities: capabilitiesOf(operator.role, operator.kind).filter(
          (right) => operator.narrowed?.capabilities?.includes(right) ?? true,
        ),
        role: operator.role,
        link: this.id,
        hostPid: process.pid,
        sessionBinding: binding,
        // Another machine's folders and variables are of no use here, and a page has none.
        ...(isBearer || FAR.has(this.#link.carrier) ? { surroundings: this.#host.surroundings } : {}),
        resumed: resumes?.attachment ?? "",
        answersAgain: true,
      },
    });
    this.#tellApprovals();
  }

  /** People hear of what waits for approval: theirs to decide, or asked on their behalf. Who bears a grant decides nothing. */
  #tellApprovals(): void {
    if (this.#phase.name !== "open" || this.#phase.operator.kind !== "human" || this.#phase.isBearer) return;
    const { waiting, own } = waitingFor(this.#host, this.#phase.operator);
    if (this.#toldApprovals === `${waiting} ${own}`) return;
    this.#toldApprovals = `${waiting} ${own}`;
    this.#send(CONTROL_CHANNEL, { case: "approvals", value: { waiting, own } });
  }

  #refuse(error: HoldError): void {
    if (this.#phase.name !== "open" && TURNED_AWAY.has(error.code)) {
      const { operator } = error.details;
      this.#host.refusals.tell(`${error.code} over ${this.#link.carrier}${operator ? `, of ${operator}` : ""}`);
    }
    turnAway(this.#link, error, this.#host.ports);
    this.closed(error.code);
  }

  // --- calls ---

  #control(body: ClientFrame["body"]): void {
    switch (body.case) {
      case "ping":
        return this.#send(CONTROL_CHANNEL, { case: "pong", value: { token: body.value.token } });
      case "cancel":
        this.#calls.get(body.value.id)?.abort();
        return;
      case "call":
        void this.#call(body.value.id, body.value.verb);
        return;
      default:
        throw new HoldError("bad_request", `${body.case ?? "an unknown frame"} does not belong on channel 0`);
    }
  }

  async #call(id: bigint, verb: CallContext["verb"]): Promise<void> {
    if (this.#phase.name !== "open") return;
    const { operator, keyId, via, client, isBearer = false } = this.#phase;
    const abort = new AbortController();
    const answer = (result: Parameters<CallContext["more"]>[0], more: boolean): void =>
      this.#send(CONTROL_CHANNEL, { case: "answer", value: create(AnswerSchema, { id, more, result }) });
    if (this.#calls.has(id) || this.#calls.size >= MAX_CALLS) {
      const error = this.#calls.has(id)
        ? new HoldError("bad_request", `call ${id} is under way already; ids are unique on a link`)
        : new HoldError("too_many", `${MAX_CALLS} calls of this link are under way; wait for answers`);
      return answer({ case: "error", value: onWire(error) }, false);
    }
    this.#calls.set(id, abort);
    if (verb.case === "witness") this.#tellHeads();
    try {
      answer(
        await answerCall({
          host: this.#host,
          hostId: this.#identity.id,
          hostKey: this.#identity.publicKey,
          operator,
          keyId,
          via,
          client,
          link: this.id,
          isBearer,
          verb,
          signal: abort.signal,
          hasRoom: () => this.#link.buffered < HOP_BYTES,
          more: (r) => answer(r, true),
        }),
        false,
      );
    } catch (fault) {
      answer({ case: "error", value: onWire(this.#told(fault, `call ${verb.case} of ${operator.name}`)) }, false);
    } finally {
      this.#calls.delete(id);
    }
  }

  /** From now on. Who is told keeps them, and shows the last one when coming back. */
  #tellHeads(): void {
    const { witness } = this.#host;
    if (this.#isWitness || !witness) return;
    this.#isWitness = true;
    this.#stops.push(witness.onHead((head) => this.#send(CONTROL_CHANNEL, { case: "head", value: headOnWire(head) })));
  }

  // --- attachments ---

  #onChannel(number: number, body: ClientFrame["body"]): void {
    if (this.#phase.name !== "open") return;
    if (body.case === "attach") return this.#attach(number, body.value);
    if (body.case === "connect") return this.#connect(number, body.value);
    if (this.#ports?.has(number)) return this.#ports.heard(number, body);
    const bound = this.#attachments.get(number);
    if (!bound) return; // It ended while this frame was under way.
    const { session, attachment } = bound;
    const { operator, via } = this.#phase;
    try {
      switch (body.case) {
        case "input":
          return this.#input(number, session, attachment, body.value);
        case "credit":
          return session.credited(attachment, Number(body.value.bytes), body.value.window);
        case "resize":
          this.#host.demand(operator, "session.resize", session.id);
          this.#host.gate.demand(operator, "resize", session);
          session.refuseBeside(operatorOf(operator), body.value.pin || body.value.unpin);
          if (body.value.pin || body.value.unpin)
            session.resize(checkSize(body.value.size, session.facts.size), body.value.pin, { id: operator.id, via });
          else session.resizeFrom(attachment, checkSize(body.value.size, session.facts.size));
          return;
        case "floor":
          return this.#floor(number, session, attachment, body.value);
        case "continuityAck":
          return this.#host.continuity.acked(attachment.id, body.value.n);
        case "detach":
          this.#attachments.delete(number);
          session.detach(attachment.id, "left");
          this.#host.continuity.left(attachment.id);
          return this.#send(number, { case: "detached", value: { reason: "left" } });
        case "ping":
          return this.#send(number, { case: "pong", value: { token: body.value.token } });
        default:
          throw new HoldError("bad_request", `${body.case ?? "an unknown frame"} does not belong on an attachment`);
      }
    } catch (thrown) {
      const fault = this.#told(thrown, `a frame on ${session.id}`);
      if (fault.code === "bad_request") throw fault;
      // A refused resize changes nothing that the client would miss.
      if (body.case !== "resize") this.#send(number, { case: "detached", value: { reason: fault.code, error: onWire(fault) } });
    }
  }

  #attach(number: number, request: Attach): void {
    if (this.#phase.name !== "open") return;
    const { operator, via, client, carrier, resumes } = this.#phase;
    try {
      this.#host.demand(operator, "session.observe", confineOf(operator));
      this.#demandFree(number);
      if (this.#attachments.size >= MAX_CHANNELS)
        throw new HoldError("too_many", `${MAX_CHANNELS} attachments are on this link; detach one, or use another link`);
      const session = this.#host.findFor(operator, request.session);
      this.#host.gate.demand(operator, "observe", session);
      if (request.take) this.#host.gate.demand(operator, "floor", session);
      const observing = request.observe || !this.#host.may(operator, "session.input", session.id);
      if (!request.observe && observing && request.take) this.#host.demand(operator, "session.input", session.id);
      if (request.attachment !== "" && (request.attachment !== resumes?.attachment || session.id !== resumes.session))
        throw new HoldError("bad_request", "this link has taken up no such attachment; attach without it");
      if (request.writer !== "" && (request.writer.length < 8 || request.writer.length > 64))
        throw new HoldError("bad_request", "a writer's name has 8 to 64 characters");
      const channel: Channel = {
        ...{ buffered: 0 },
        send: (body) => this.#send(number, body),
        sendMessage: (message) => this.#link.send(number, message),
        end: () => this.#attachments.delete(number),
      };
      const link = this.#link;
      Object.defineProperty(channel, "buffered", { get: () => link.buffered });
      const resumed = request.cursor !== undefined;
      const start = startOf(session, request);
      const window = creditWindow.openWindow(this.#host.ports.clock.monoMs());
      const maxWindow =
        request.window === 0 ? limits.windowMax : Math.min(limits.windowMax, Math.max(limits.windowMin, request.window));
      const attachment: HostAttachment = {
        id: request.attachment || this.#host.ports.newId(8),
        operator,
        via,
        carrier,
        plain: this.#link.isPlain ?? false,
        channel,
        observing,
        quiet: request.quiet,
        noOutput: request.noOutput || request.callsOnly,
        writer: request.writer ? `${operator.id}/${request.writer}` : `${operator.id}/${this.#host.ports.newId(16)}`,
        scrollback: Math.min(request.scrollback, 10_000),
        size:
          request.size?.cols && this.#host.gate.allows(operator, "resize", session)
            ? checkSize(request.size, session.facts.size)
            : null,
        reader: reader.openReader({
          mode: request.replay ? "replay" : "snapshot",
          cursor: Seq(start.seq),
          position: Offset(start.position),
          window: Math.min(maxWindow, window.bytes),
          snapshot: start.snapshot ? (resumed ? "restart" : "attach") : null,
        }),
        window,
        maxWindow,
        usedAt: MonotonicMs(-Infinity),
        filter: null,
        masked: null,
        ready: false,
        isHeld: false,
        jumpsAgain: false,
        over: false,
      };
      this.#attachments.set(number, { session, attachment });
      this.#send(number, {
        case: "attached",
        value: {
          attachment: attachment.id,
          session: operator.kind === "ai" ? session.secrets.inside(this.#host.shown(session)) : this.#host.shown(session),
          cursor: BigInt(start.seq),
          snapshotFollows: start.snapshot,
          lastN: BigInt(session.lastN(attachment.writer)),
          head: BigInt(session.facts.seq),
          ...(start.gap ? { gap: start.gap } : {}),
        },
      });
      session.attach(attachment, { resumed, client });
      this.#keepPlace(number, session, attachment, request);
      if (request.take && !observing)
        session.changeFloor(
          { verb: "take", by: operatorOf(operator), seat: attachment.id, ...session.knownTo(operator) },
          { id: operator.id, via },
        );
    } catch (thrown) {
      const fault = this.#told(thrown, `attaching to ${request.session}`);
      const bound = this.#attachments.get(number);
      if (bound) {
        this.#attachments.delete(number);
        bound.session.detach(bound.attachment.id, fault.code);
      }
      this.#send(number, { case: "detached", value: { reason: fault.code, error: onWire(fault) } });
    }
  }

  #demandFree(channel: number): void {
    if (this.#attachments.has(channel) || this.#ports?.has(channel))
      throw new HoldError("bad_request", `channel ${channel} is in use`);
  }

  /** To a port of a session. */
  #connect(number: number, request: Connect): void {
    if (this.#phase.name !== "open") return;
    this.#demandFree(number);
    const link = this.#link;
    this.#ports ??= new PortChannels(new Forwards(this.#host, this.#phase.operator, this.#phase.via), {
      get buffered() {
        return link.buffered;
      },
      send: (channel, body) => this.#send(channel, body),
      told: (fault, doing) => this.#told(fault, doing),
      onWire,
    });
    void this.#ports.connect(number, request);
  }

  /** L6: who is attached now is told by which token it can be so again. */
  #keepPlace(number: number, session: LiveSession, attachment: HostAttachment, request: Attach): void {
    if (this.#phase.name !== "open") return;
    const { operator, keyId, resumes } = this.#phase;
    const { continuity } = this.#host;
    const give = (token: GivenToken): void => {
      if (attachment.over) return;
      this.#send(number, { case: "continuity", value: { ...token, graceMs: BigInt(token.graceMs) } });
    };
    if (resumes?.attachment === attachment.id) {
      this.#phase = { ...this.#phase, resumes: null };
      continuity.taken(attachment.id, this.id, give);
    } else if (request.continuity && keyId !== "") {
      const owner = { attachment: attachment.id, session: session.id, operator: operator.id, keyId };
      continuity.begin(owner, session.facts.graceMs, this.id, give);
    }
  }

  #input(number: number, session: LiveSession, attachment: HostAttachment, frame: Input): void {
    const tell = (r: Parameters<Parameters<LiveSession["offer"]>[5]>[0]): void => {
      if (attachment.over) return;
      this.#send(number, {
        case: "inputResult",
        value: {
          n: BigInt(r.n),
          seq: BigInt(r.seq),
          status: r.status,
          bytes: r.bytes,
          durable: r.durable ?? false,
          epoch: BigInt(session.floor.epoch),
          ...(r.error ? { error: onWire(r.error) } : {}),
        },
      });
    };
    try {
      this.#host.demand(attachment.operator, "session.input", session.id);
      if (attachment.observing)
        throw new HoldError("not_permitted", "this attachment only observes; attach again without --observe to type");
    } catch (fault) {
      if (!(fault instanceof HoldError)) throw fault;
      return tell({ n: Number(frame.n), seq: 0, status: 2, bytes: 0, error: fault });
    }
    session.offer(attachment.operator, attachment.via, attachment, attachment.writer, frame, tell);
  }

  #floor(number: number, session: LiveSession, attachment: HostAttachment, request: FloorRequest): void {
    const reply = (error?: HoldError): void =>
      this.#send(number, {
        case: "floorAnswer",
        value: {
          id: request.id,
          floor: floorOnWire(session.floor, this.#host.ports.clock),
          ...(error ? { error: onWire(error) } : {}),
        },
      });
    try {
      const { operator, via } = attachment;
      this.#host.demand(
        operator,
        request.verb === FloorVerb.AI_PAUSE || request.verb === FloorVerb.AI_RESUME ? "floor.pause_ai" : "session.input",
        session.id,
      );
      if (moves(request.verb)) this.#host.gate.demand(operator, "floor", session);
      session.changeFloor(floorCommand(this.#host, session, operator, attachment.id, request.verb, request.to), {
        id: operator.id,
        via,
      });
      reply();
    } catch (fault) {
      reply(this.#told(fault, `the floor of ${session.id}`));
    }
  }

  /** What an operator is told of a fault; a defect is logged and not shown. */
  #told(fault: unknown, doing: string): HoldError {
    try {
      return refusalFrom(fault);
    } catch {
      this.#host.ports.log(`${doing}: ${fault instanceof Error ? fault.stack : String(fault)}`);
      return new HoldError("internal", "the host failed on that; hold host logs tells more");
    }
  }

  #send(channel: number, body: HostBody): void {
    this.#link.send(channel, encodeHost(body));
  }
}

/** Says why, and ends the link: for one that is refused, and for one that can't be taken at all. */
export function turnAway(link: Link, error: HoldError, { clock, wakeAt }: Pick<SessionPorts, "clock" | "wakeAt">): LinkHandlers {
  link.send(CONTROL_CHANNEL, encodeHost({ case: "refused", value: { error: onWire(error) } }));
  link.close();
  wakeAt(MonotonicMs(clock.monoMs() + REFUSED_MS), () => link.destroy());
  return { frame: () => {}, closed: () => {} };
}

/** Where an attachment starts to read: after its cursor, from the start, or from a snapshot of now. */
function startOf(
  session: LiveSession,
  request: Attach,
): { seq: number; position: number; snapshot: boolean; gap?: { fromSeq: bigint; toSeq: bigint; reason: string } } {
  const { facts } = session;
  const head = { seq: facts.seq as number, position: facts.ends[0] + facts.ends[1] + facts.ends[2] };
  if (request.callsOnly) return { ...head, snapshot: false };
  if (request.cursor !== undefined) {
    const cursor = Number(request.cursor);
    if (cursor > head.seq)
      throw new HoldError(
        "gap",
        `the cursor ${cursor} is ahead of session ${session.id} (at ${head.seq}): its record was rolled back or replaced`,
        { head: String(head.seq) },
      );
    return { seq: cursor, position: session.positionAt(cursor), snapshot: false };
  }
  if (request.fromStart) return { seq: 0, position: 0, snapshot: false };
  if (facts.kind === "pipes") {
    const seq = session.seqBefore(64 * 1024);
    return { seq, position: session.positionAt(seq), snapshot: false };
  }
  return { ...head, snapshot: true };
}

function onWire(error: HoldError): WireError {
  return { code: error.code, message: error.message, details: { ...error.details } };
}
