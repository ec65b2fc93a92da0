/**
 * A page's link to a host through a relay. A page can't have TLS inside a WebSocket: the relay could read what passes and forge it, and the link says
 * so at either end. Frames are cut as in any byte stream (framing.ts), and that into pieces.
 */
import {
  create,
  fromBinary,
  HoldError,
  isCode,
  type Init,
  type Knock,
  type Piece,
  PieceSchema,
  toBinary,
} from "@holdfast/protocol";
import type { Acceptor, Link } from "../link.ts";
import { PIECE_BYTES, REACH_SUBPROTOCOL, reachUrl } from "./address.ts";
import { PageLink, type Packing } from "./page.ts";

const HEADER_BYTES = 8;

export interface ReachPlain {
  /** The relay's web side. */
  readonly relay: string;
  /** The host's id, or its name there; and who knocks, by a pass, or by what follows from an invitation. */
  readonly knock: Pick<Knock, "host"> & (Pick<Knock, "pass"> | Pick<Knock, "invited">);
}

/** Rejects with the relay's refusal, or `unreachable`. */
export function reachPlain(
  { relay, knock }: ReachPlain,
  accept: Acceptor,
  make: (url: string, protocol: string) => WebSocket = (address, protocol) => new WebSocket(address, protocol),
): Promise<Link> {
  return new Promise((resolve, reject) => {
    const { url } = reachUrl(relay);
    const socket = make(url, REACH_SUBPROTOCOL);
    socket.binaryType = "arraybuffer";
    const failed = (): void =>
      reject(
        new HoldError(
          "unreachable",
          `no relay answers at ${new URL(url).origin}, or it does not allow this origin (--allow-origin)`,
          {
            url,
          },
        ),
      );
    socket.addEventListener("error", failed);
    socket.addEventListener("close", failed);
    socket.addEventListener("open", () => {
      socket.send(pieceOf({ case: "knock", value: { ...knock, plain: true } }));
    });
    socket.addEventListener(
      "message",
      ({ data }: { readonly data: unknown }) => {
        const fault = answerIn(data);
        if (fault) {
          socket.close();
          return reject(fault);
        }
        const link = new RelayedPageLink(socket, streamed());
        link.open(accept(link));
        resolve(link);
      },
      { once: true },
    );
  });
}

class RelayedPageLink extends PageLink {
  readonly isPlain = true;
}

/** Null: joined. */
function answerIn(data: unknown): HoldError | null {
  const body = data instanceof ArrayBuffer ? bodyOf(new Uint8Array(data)) : null;
  if (body?.case === "joined") return null;
  if (body?.case !== "refused") return new HoldError("bad_request", "the relay does not speak as one");
  const { code, message, details } = body.value;
  return new HoldError(isCode(code) ? code : "internal", message, details);
}

/** Null also for what is no piece at all: a relay is believed in nothing. */
function bodyOf(bytes: Uint8Array): Piece["body"] | null {
  try {
    return fromBinary(PieceSchema, bytes).body;
  } catch {
    return null;
  }
}

function pieceOf(body: NonNullable<Init<Piece>["body"]>): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(toBinary(PieceSchema, create(PieceSchema, { body })));
}

/** Frames in a stream of bytes, and that in pieces. */
function streamed(): Packing {
  let rest = new Uint8Array(0);
  return {
    *pack(channel, message) {
      const out = new Uint8Array(HEADER_BYTES + message.length);
      const head = new DataView(out.buffer);
      head.setUint32(0, message.length + 4);
      head.setUint32(4, channel);
      out.set(message, HEADER_BYTES);
      for (let at = 0; at < out.length; at += PIECE_BYTES)
        yield pieceOf({ case: "data", value: out.subarray(at, at + PIECE_BYTES) });
    },
    unpack(data, maxBytes, frame) {
      const body = bodyOf(data);
      if (body?.case !== "data") throw new HoldError("bad_request", "the relay sent something else than data");
      rest = joinedBytes(rest, body.value);
      let at = 0;
      while (rest.length - at >= HEADER_BYTES) {
        const head = new DataView(rest.buffer, rest.byteOffset + at);
        const length = head.getUint32(0);
        if (length < 4 || length > maxBytes)
          throw new HoldError("bad_request", `a frame of ${length} bytes; 4 to ${maxBytes} are allowed`);
        if (rest.length - at < length + 4) break;
        frame(head.getUint32(4), rest.slice(at + HEADER_BYTES, at + 4 + length));
        at += length + 4;
      }
      rest = rest.slice(at);
    },
  };
}

function joinedBytes(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
