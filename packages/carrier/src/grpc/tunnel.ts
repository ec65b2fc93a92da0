/** Tunnels: a link to a host through a relay, made by either end. Inside is TLS that the relay can't open (tls/secure.ts), and in it the frames of every link. */
import type { KeyObject } from "node:crypto";
import { create, HoldError, isCode, type Init, type Knock, type Piece, PieceSchema, toBinary } from "@holdfast/protocol";
import type { Acceptor, Link } from "../link.ts";
import { StreamLink } from "../stream-link.ts";
import { type Secured, secureAsHost, secureAsOperator } from "../tls/secure.ts";
import type { OperatorCalls, PieceCall, RelayClient } from "./calls.ts";
import { PieceStream, readPiece } from "./piece-stream.ts";

export interface ReachOptions {
  /** Closed when the link is over. */
  readonly relay: Pick<OperatorCalls, "stream" | "close">;
  readonly knock: Pick<Knock, "host"> & Partial<Knock>;
  /** Shown inside, to the host alone. */
  readonly key: KeyObject;
  /** Throws for a host's raw public key that is not the one meant. */
  readonly trusts: (hostKey: Uint8Array) => void;
}

/** Rejects with the relay's refusal, `unreachable`, or what `trusts` throws. */
export async function reachThroughRelay({ relay, knock, key, trusts }: ReachOptions, accept: Acceptor): Promise<Link> {
  try {
    const call = relay.stream("reach");
    await joined(call, { case: "knock", value: knock });
    const secured = await secureAsOperator(new PieceStream(call), key, trusts);
    secured.stream.once("close", () => relay.close());
    return opened(secured, accept);
  } catch (fault) {
    relay.close();
    throw fault;
  }
}

/** The host's end of an offer. `key` null: a page's, without TLS inside. */
export async function takeOffer(relay: RelayClient, offer: Uint8Array, key: KeyObject | null, accept: Acceptor): Promise<Link> {
  const call = relay.stream("accept");
  await joined(call, { case: "take", value: { offer } });
  const below = new PieceStream(call);
  return key ? opened(await secureAsHost(below, key), accept) : meet(new PlainLink("grpc", below, below), accept);
}

class TunnelLink extends StreamLink {
  readonly peerKey: Uint8Array;

  constructor({ stream, peerKey }: Secured) {
    super("grpc", stream, stream);
    this.peerKey = peerKey;
  }
}

class PlainLink extends StreamLink {
  readonly isPlain = true;
}

function opened(secured: Secured, accept: Acceptor): Link {
  return meet(new TunnelLink(secured), accept);
}

function meet<L extends StreamLink>(link: L, accept: Acceptor): L {
  link.open(accept(link));
  return link;
}

/** A relay gives a host 10 s to come to its door, and then tells. */
const JOIN_MS = 15_000;

/** Says the first piece and hears the relay's. */
async function joined(call: PieceCall, first: NonNullable<Init<Piece>["body"]>): Promise<void> {
  const body = await answerTo(call, first);
  if (body.case === "joined") return;
  call.giveUp();
  throw new HoldError("bad_request", "the relay does not speak as one");
}

/** Rejects with the relay's refusal, or `unreachable`. What comes after the answer waits. */
export function answerTo(call: PieceCall, first: NonNullable<Init<Piece>["body"]>): Promise<Piece["body"]> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => give(new HoldError("timed_out", "the relay did not answer in time")), JOIN_MS);
    const give = (fault: unknown): void => {
      clearTimeout(late);
      call.giveUp();
      reject(fault);
    };
    call.once("error", (fault: Error) =>
      give(new HoldError("unreachable", `the relay ended the call (${fault.message})`, {}, { cause: fault })),
    );
    call.once("end", () => give(new HoldError("unreachable", "the relay ended the call")));
    call.once("data", (bytes: Buffer) => {
      const body = readPiece(bytes);
      if (!body?.case) return give(new HoldError("bad_request", "the relay does not speak as one"));
      if (body.case !== "refused") {
        clearTimeout(late);
        call.pause();
        return resolve(body);
      }
      const { code, message, details } = body.value;
      give(new HoldError(isCode(code) ? code : "internal", message, details));
    });
    call.write(Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body: first }))));
  });
}
