/**
 * Tunnels between this relay and others of its group: which end each message is for.
 *
 *   X1  What is for a relay comes on one subject of its own, a word more for each tunnel. Nobody listens there any more: the tunnel is over, at once.
 *   X2  A tunnel begins with a message that is answered; who does not answer in time has it not.
 *   X3  Where NATS was away, what was under way may be lost: no tunnel outlives it. Their ends come back by themselves.
 */
import { randomBytes } from "node:crypto";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { create, fromBinary, type GroupOpen, type GroupPiece, GroupPieceSchema, type Init, toBinary } from "@holdfast/protocol";
import type { Crossing } from "../group.ts";
import { notHere } from "../lines.ts";
import { NatsEnd } from "./end.ts";

export interface CrossingsParts {
  readonly nc: NatsConnection;
  readonly me: string;
  readonly arrive: (end: NatsEnd, crossing: Crossing) => void;
}

const OPEN_MS = 5_000;
const RELAY_ID = /^[0-9a-f]{16}$/;
const TUNNEL_ID = /^[0-9a-f]{32}$/;
/** NATS's: nobody listens on that subject. */
const NO_RESPONDERS = 503;

export class Crossings {
  readonly #parts: CrossingsParts;
  readonly #ends = new Map<string, NatsEnd>();
  sent = 0;
  received = 0;

  constructor(parts: CrossingsParts) {
    this.#parts = parts;
    parts.nc.subscribe(subjectOf(parts.me, "*"), {
      callback: (fault, msg) => {
        if (!fault) this.#hear(msg);
      },
    });
  }

  get count(): number {
    return this.#ends.size;
  }

  /** X2. Rejects with `unreachable`. */
  async cross(relay: string, { caller, asked, ...rest }: Crossing): Promise<NatsEnd> {
    const { me, nc } = this.#parts;
    const id = randomBytes(16).toString("hex");
    const end = this.#end(id, relay, rest.from);
    const open: GroupOpen = {
      ...{ relay: me, asked, ...rest },
      caller: "keyId" in caller ? { case: "keyId", value: caller.keyId } : { case: "knockHash", value: caller.knockHash },
    };
    try {
      const first = bytesOf({ n: BigInt(end.first("said")), body: { case: "open", value: open } });
      await nc.request(subjectOf(relay, id), first, { timeout: OPEN_MS, noMux: false });
      return end;
    } catch (cause) {
      end.giveUp();
      throw Object.assign(notHere(asked), { cause });
    }
  }

  /** Time passed. */
  beat(): void {
    for (const end of [...this.#ends.values()]) end.beat();
  }

  /** X3. */
  cut(): void {
    for (const end of [...this.#ends.values()]) end.breach("the relays lost each other");
  }

  #hear(msg: Msg): void {
    const id = msg.subject.slice(msg.subject.lastIndexOf(".") + 1);
    const end = this.#ends.get(id);
    if (msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS) return end?.breach("the other relay is gone");
    const piece = pieceIn(msg.data);
    if (end) {
      if (!piece) return end.breach("the other relay does not speak as one");
      if (piece.body.case === "data") this.received += piece.body.value.length;
      return end.hear(piece);
    }
    if (piece?.body.case === "open" && TUNNEL_ID.test(id)) this.#arrived(id, piece.body.value, msg);
    else if (piece?.body.case === "ping") msg.respond(bytesOf({ body: { case: "cut", value: told("that tunnel is over") } }));
  }

  #arrived(id: string, { relay, caller, host, asked, from, carrier, plain }: GroupOpen, msg: Msg): void {
    if (!RELAY_ID.test(relay) || !caller.case) return;
    const end = this.#end(id, relay, from);
    end.first("heard");
    msg.respond();
    const who = caller.case === "keyId" ? { keyId: caller.value } : { knockHash: caller.value };
    this.#parts.arrive(end, { caller: who, host, asked, from, carrier, plain });
  }

  #end(id: string, relay: string, from: string): NatsEnd {
    const { me, nc } = this.#parts;
    const [there, here] = [subjectOf(relay, id), subjectOf(me, id)];
    const end = new NatsEnd({
      from,
      nowMs: () => performance.now(),
      say: (piece) => {
        if (piece.body?.case === "data") this.sent += piece.body.value?.length ?? 0;
        // X1: who says it with an address for answers is told where nobody listens.
        nc.publish(there, bytesOf(piece), piece.body?.case === "ping" ? { reply: here } : {});
      },
      over: () => void (this.#ends.get(id) === end && this.#ends.delete(id)),
    });
    this.#ends.set(id, end);
    return end;
  }
}

function subjectOf(relay: string, tunnel: string): string {
  return `holdfast.relay.${relay}.${tunnel}`;
}

function bytesOf(piece: Init<GroupPiece>): Uint8Array {
  return toBinary(GroupPieceSchema, create(GroupPieceSchema, piece));
}

function pieceIn(bytes: Uint8Array): GroupPiece | null {
  try {
    return fromBinary(GroupPieceSchema, bytes);
  } catch {
    return null;
  }
}

function told(message: string): { readonly code: string; readonly message: string; readonly details: Record<string, string> } {
  return { code: "unreachable", message, details: {} };
}
