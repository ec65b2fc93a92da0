/**
 * What is on one link beside channel 0: attachments, each on a channel, and channels to sessions' ports.
 *
 *   J1  When the link is over, its attachments are detached; their sessions go on.
 *   J2  A link that shows a continuity token takes up that attachment, and the older link loses it; what that operator may do is looked
 *       up as ever.
 *   J3  What a frame may do is looked up for each (host-link.ts L3).
 */
import type { Link } from "@holdfast/carrier";
import { creditWindow, MonotonicMs, Offset, reader, Seq } from "@holdfast/core";
import {
  HoldError,
  limits,
  type Attach,
  type ClientFrame,
  type Connect,
  type FloorRequest,
  FloorVerb,
  type HostBody,
  type Input,
} from "@holdfast/protocol";
import { demandOperating, floorCommand, moves } from "../call/floor-command.ts";
import { Forwards } from "../forward/forwards.ts";
import { PortChannels } from "../forward/port-channels.ts";
import type { Host } from "../host.ts";
import type { GivenToken } from "../operator/continuity.ts";
import { confineOf } from "../operator/rights.ts";
import type { Channel, HostAttachment } from "../session/attachment.ts";
import { floorOnWire } from "../session/on-wire.ts";
import { checkSize } from "../session/open.ts";
import type { LiveSession } from "../session/session.ts";
import { operatorOf } from "../session/steering.ts";
import type { Opening } from "./handshake.ts";
import { onWire } from "./words.ts";

/** Of one link at once: far more than a client needs, few enough that none can exhaust the host. */
const MAX_CHANNELS = 256;

export interface LinkParts {
  readonly host: Host;
  readonly link: Link;
  /** Of the link. */
  readonly id: string;
  readonly send: (channel: number, body: HostBody) => void;
  /** What an operator is told of a fault. */
  readonly told: (fault: unknown, doing: string) => HoldError;
}

export class LinkAttachments {
  readonly #opening: Omit<Opening, "binding">;
  readonly #parts: LinkParts;
  readonly #host: Host;
  readonly #link: Link;
  readonly #linkId: string;
  readonly #seats = new Map<number, { readonly session: LiveSession; readonly attachment: HostAttachment }>();
  /** Made when the first one is asked for. */
  #ports: PortChannels | null = null;
  /** J2: not attached yet. */
  #resumes: Opening["resumes"];

  constructor(opening: Omit<Opening, "binding">, parts: LinkParts) {
    this.#opening = opening;
    this.#parts = parts;
    this.#host = parts.host;
    this.#link = parts.link;
    this.#linkId = parts.id;
    this.#resumes = opening.resumes;
  }

  get size(): number {
    return this.#seats.size;
  }

  drained(): void {
    for (const { session, attachment } of this.#seats.values()) session.pump(attachment);
    this.#ports?.drained();
  }

  /** J1. The link is over: why. */
  closed(reason: string): void {
    const { continuity } = this.#host;
    if (this.#resumes) continuity.lost(this.#resumes.attachment, this.#linkId);
    this.#ports?.close();
    const isOut = reason === "key_revoked";
    for (const { session, attachment } of this.#seats.values()) {
      session.detach(attachment.id, reason === "left" ? "left" : isOut ? "revoked" : "link lost");
      if (reason === "left" || isOut) continuity.left(attachment.id);
      else continuity.lost(attachment.id, this.#linkId);
    }
    this.#seats.clear();
  }

  heard(number: number, body: ClientFrame["body"]): void {
    if (body.case === "attach") return this.#attach(number, body.value);
    if (body.case === "connect") return this.#connect(number, body.value);
    if (this.#ports?.has(number)) return this.#ports.heard(number, body);
    const bound = this.#seats.get(number);
    if (!bound) return; // It ended while this frame was under way.
    const { session, attachment } = bound;
    const { operator, via } = this.#opening;
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
          if (attachment.observing && (body.value.pin || body.value.unpin))
            throw new HoldError("not_permitted", "this attachment only observes; attach again without --observe to pin a size");
          if (body.value.pin || body.value.unpin)
            session.resize(checkSize(body.value.size, session.facts.size), body.value.pin, { id: operator.id, via });
          else session.resizeFrom(attachment, checkSize(body.value.size, session.facts.size));
          return;
        case "floor":
          return this.#floor(number, session, attachment, body.value);
        case "continuityAck":
          return this.#host.continuity.acked(attachment.id, body.value.n);
        case "detach":
          this.#seats.delete(number);
          session.detach(attachment.id, "left");
          this.#host.continuity.left(attachment.id);
          return this.#parts.send(number, { case: "detached", value: { reason: "left" } });
        case "ping":
          return this.#parts.send(number, { case: "pong", value: { token: body.value.token } });
        default:
          throw new HoldError("bad_request", `${body.case ?? "an unknown frame"} does not belong on an attachment`);
      }
    } catch (thrown) {
      const fault = this.#parts.told(thrown, `a frame on ${session.id}`);
      if (fault.code === "bad_request") throw fault;
      // A refused resize changes nothing that the client would miss.
      if (body.case !== "resize")
        this.#parts.send(number, { case: "detached", value: { reason: fault.code, error: onWire(fault) } });
    }
  }

  #attach(number: number, request: Attach): void {
    const { operator, via, client, carrier } = this.#opening;
    const resumes = this.#resumes;
    try {
      this.#host.demand(operator, "session.observe", confineOf(operator));
      this.#demandFree(number);
      if (this.#seats.size >= MAX_CHANNELS)
        throw new HoldError("too_many", `${MAX_CHANNELS} attachments are on this link; detach one, or use another link`);
      const session = this.#host.findFor(operator, request.session);
      this.#host.gate.demand(operator, "observe", session);
      if (request.observe && request.take)
        throw new HoldError("bad_request", "an attachment that only observes takes no floor: leave one of the two away");
      if (request.take) this.#host.gate.demand(operator, "floor", session);
      const observing = request.observe || !this.#host.may(operator, "session.input", session.id);
      if (!request.observe && observing && request.take) this.#host.demand(operator, "session.input", session.id);
      if (request.attachment !== "" && (request.attachment !== resumes?.attachment || session.id !== resumes.session))
        throw new HoldError("bad_request", "this link has taken up no such attachment; attach without it");
      if (request.writer !== "" && (request.writer.length < 8 || request.writer.length > 64))
        throw new HoldError("bad_request", "a writer's name has 8 to 64 characters");
      const channel: Channel = {
        ...{ buffered: 0 },
        send: (body) => this.#parts.send(number, body),
        sendMessage: (message) => this.#link.send(number, message),
        end: () => this.#seats.delete(number),
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
        late: new Map(),
        over: false,
      };
      this.#seats.set(number, { session, attachment });
      this.#parts.send(number, {
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
      const fault = this.#parts.told(thrown, `attaching to ${request.session}`);
      const bound = this.#seats.get(number);
      if (bound) {
        this.#seats.delete(number);
        bound.session.detach(bound.attachment.id, fault.code);
      }
      this.#parts.send(number, { case: "detached", value: { reason: fault.code, error: onWire(fault) } });
    }
  }

  #demandFree(channel: number): void {
    if (this.#seats.has(channel) || this.#ports?.has(channel)) throw new HoldError("bad_request", `channel ${channel} is in use`);
  }

  /** To a port of a session. */
  #connect(number: number, request: Connect): void {
    this.#demandFree(number);
    const link = this.#link;
    this.#ports ??= new PortChannels(new Forwards(this.#host, this.#opening.operator, this.#opening.via), {
      get buffered() {
        return link.buffered;
      },
      send: this.#parts.send,
      told: this.#parts.told,
      onWire,
    });
    void this.#ports.connect(number, request);
  }

  /** J2: who is attached now is told by which token it can be so again. */
  #keepPlace(number: number, session: LiveSession, attachment: HostAttachment, request: Attach): void {
    const { operator, keyId } = this.#opening;
    const { continuity } = this.#host;
    const give = (token: GivenToken): void => {
      if (attachment.over) return;
      this.#parts.send(number, { case: "continuity", value: { ...token, graceMs: BigInt(token.graceMs) } });
    };
    if (this.#resumes?.attachment === attachment.id) {
      this.#resumes = null;
      continuity.taken(attachment.id, this.#linkId, give);
    } else if (request.continuity && keyId !== "") {
      const owner = { attachment: attachment.id, session: session.id, operator: operator.id, keyId };
      continuity.begin(owner, session.facts.graceMs, this.#linkId, give);
    }
  }

  #input(number: number, session: LiveSession, attachment: HostAttachment, frame: Input): void {
    const tell = (r: Parameters<Parameters<LiveSession["offer"]>[5]>[0]): void => {
      if (attachment.over) return;
      this.#parts.send(number, {
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
      this.#parts.send(number, {
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
      demandOperating(attachment, request.verb);
      if (moves(request.verb)) this.#host.gate.demand(operator, "floor", session);
      session.changeFloor(floorCommand(this.#host, session, operator, attachment.id, request.verb, request.to), {
        id: operator.id,
        via,
      });
      reply();
    } catch (fault) {
      reply(this.#parts.told(fault, `the floor of ${session.id}`));
    }
  }
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
