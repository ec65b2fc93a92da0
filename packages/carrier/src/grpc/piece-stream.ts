/**
 * A byte stream made of the data pieces of a gRPC call that has been joined to another: what is written comes out there, and a full hop is felt here.
 */
import { Duplex } from "node:stream";
import { fromBinary, HoldError, type Piece, PieceSchema, toBinary } from "@holdfast/protocol";
import { PIECE_BYTES } from "../websocket/address.ts";
import type { PieceCall } from "./calls.ts";

export class PieceStream extends Duplex {
  readonly #call: PieceCall;

  constructor(call: PieceCall) {
    // Who has heard the last answers with its own: TLS over a stream takes this from it.
    super({ allowHalfOpen: false });
    this.#call = call;
    call.removeAllListeners("data").removeAllListeners("error").removeAllListeners("end");
    call.on("data", (bytes: Buffer) => {
      const body = readPiece(bytes);
      if (body?.case !== "data")
        return void this.destroy(new HoldError("bad_request", "the relay sent something else than data in a tunnel"));
      if (!this.push(body.value)) call.pause();
    });
    call.on("end", () => this.push(null));
    call.on("error", (fault: Error) => this.destroy(fault));
    call.on("close", () => this.destroy());
    call.pause();
  }

  override _read(): void {
    this.#call.resume();
  }

  override _write(chunk: Buffer, _encoding: string, taken: (fault?: Error | null) => void): void {
    this.#send(chunk, taken);
  }

  override _writev(chunks: readonly { chunk: Buffer }[], taken: (fault?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), taken);
  }

  /** Taken when the last piece of it was. */
  #send(bytes: Buffer, taken: (fault?: Error | null) => void): void {
    let at = 0;
    for (; bytes.length - at > PIECE_BYTES; at += PIECE_BYTES) this.#call.write(pieceOf(bytes.subarray(at, at + PIECE_BYTES)));
    this.#call.write(pieceOf(bytes.subarray(at)), () => taken());
  }

  override _final(done: () => void): void {
    this.#call.end();
    done();
  }

  override _destroy(fault: Error | null, done: (fault: Error | null) => void): void {
    this.#call.giveUp();
    done(fault);
  }
}

function pieceOf(data: Uint8Array): Buffer {
  return Buffer.from(toBinary(PieceSchema, { body: { case: "data", value: data } }));
}

/** Null also for what is no piece at all: a relay is believed in nothing. */
export function readPiece(bytes: Buffer): Piece["body"] | null {
  try {
    return fromBinary(PieceSchema, bytes).body;
  } catch {
    return null;
  }
}
