/**
 * One operator's link: after the handshake (handshake.ts), calls on channel 0 and attachments on the others.
 *
 *   L1  Before the proof is checked nothing but the handshake is read: 64 KiB and 5 s at most.
 *   L3  Rights are looked up for each frame. What a client says of itself is only `via` and `client`.
 *   L5  A carrier whose protocol proves the key itself hands over whom it has proven; from there on nothing differs. Where frames of ours come
 *       over it, a client says so with an empty key id, or proves a key of its own, as it likes.
 *   L6  Of what it is told unasked, and has no room for, the newest is told once it has room, and no more.
 *   L7  A link ends with the operator whom it has proven, and with the key that it was proven by. Both are looked up once more when it opens: reading a
 *       grant, or what a request brings, takes a while, and nobody hears of a revocation meanwhile.
 *   L8  A link that a grant has opened ends with it, whatever is under way.
 * Elsewhere: its attachments (link-attachments.ts).
 */
import type { Link, LinkHandlers } from "@holdfast/carrier";
import { capabilitiesOf, MonotonicMs } from "@holdfast/core";
import {
  create,
  AnswerSchema,
  CONTROL_CHANNEL,
  decodeClient,
  encodeHost,
  HoldError,
  limits,
  type ClientFrame,
  type Code,
  headOnWire,
  type HostBody,
  type SignedHead,
} from "@holdfast/protocol";
import { answerCall, type CallContext } from "../call/answer.ts";
import { waitingFor } from "../call/approvals.ts";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { narrowedInPlain, READING } from "../operator/rights.ts";
import { HOP_BYTES } from "../session/attachment.ts";
import { refusalFrom } from "../session/journal-fault.ts";
import { kindOnWire } from "../session/on-wire.ts";
import type { SessionPorts } from "../session/ports.ts";
import { HostHandshake, keyRevoked, type Opening, type Proven } from "./handshake.ts";
import type { HostIdentity } from "./identity.ts";
import { LinkAttachments } from "./link-attachments.ts";
import { onWire } from "./words.ts";

type Phase =
  | { readonly name: "new" }
  | ({ readonly name: "open" } & Omit<Opening, "binding">)
  /** L7: opened to somebody who is out by now, and about to be told so. */
  | { readonly name: "barred" }
  | { readonly name: "over" };

/** Calls of one link at once: far more than a client needs, few enough that none can exhaust the host. */
const MAX_CALLS = 256;
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
  /** Once it is open. */
  #attachments: LinkAttachments | null = null;
  readonly #calls = new Map<bigint, AbortController>();
  readonly #stopDeadline: () => void;
  readonly #stops: (() => void)[];
  /** Told heads of the chain as they are signed. */
  #isWitness = false;
  /** The newest, if there was no room for it. */
  #lateHead: SignedHead | null = null;
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
    return this.#attachments?.size ?? 0;
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
      else this.#attachments?.heard(channel, body);
    } catch (fault) {
      this.#refuse(this.#told(fault, `link ${this.id}`));
    }
  }

  drained(): void {
    this.#tellApprovals();
    this.#tellHead();
    this.#attachments?.drained();
  }

  closed(reason: string): void {
    if (this.#phase.name === "over") return;
    this.#phase = { name: "over" };
    this.#handshake.giveUp();
    this.#stopDeadline();
    this.#stopExpiry();
    for (const stop of this.#stops) stop();
    for (const call of this.#calls.values()) call.abort();
    this.#attachments?.closed(reason);
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
    const { operator: whose, provenKey } = made;
    const isPlain = this.#link.isPlain || (provenKey !== undefined && this.#host.registry.isPlain(whose.id, provenKey));
    // What could be forged on the way is worth no more than a grant that leaves the lasting rights out (rights R4).
    const opening = isPlain ? { ...made, operator: narrowedInPlain(made.operator), isBearer: true } : made;
    this.#phase = { name: "open", ...opening };
    this.#attachments = new LinkAttachments(opening, {
      ...{ host: this.#host, link: this.#link, id: this.id },
      send: (channel, body) => this.#send(channel, body),
      told: (fault, doing) => this.#told(fault, doing),
    });
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
          (right) =>
            (operator.narrowed?.capabilities?.includes(right) ?? true) && (!this.#host.recordOf || READING.includes(right)),
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

  /** L6. People hear of what waits for approval: theirs to decide, or asked on their behalf. Who bears a grant decides nothing. */
  #tellApprovals(): void {
    if (this.#phase.name !== "open" || this.#phase.operator.kind !== "human" || this.#phase.isBearer) return;
    if (this.#link.buffered >= HOP_BYTES) return;
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
    this.#stops.push(
      witness.onHead((head) => {
        this.#lateHead = head;
        this.#tellHead();
      }),
    );
  }

  /** L6. */
  #tellHead(): void {
    const head = this.#lateHead;
    if (!head || this.#phase.name !== "open" || this.#link.buffered >= HOP_BYTES) return;
    this.#lateHead = null;
    this.#send(CONTROL_CHANNEL, { case: "head", value: headOnWire(head) });
  }

  // --- words ---

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
