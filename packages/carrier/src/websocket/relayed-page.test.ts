/** A page's end of a link through a relay that says what it should not. */
import { create, type Init, type Piece, PieceSchema, toBinary } from "@holdfast/protocol";
import { expect, test } from "vitest";
import type { Link } from "../link.ts";
import { reachPlain } from "./relayed-page.ts";

class RelaySocket extends EventTarget {
  binaryType = "";
  readonly bufferedAmount = 0;
  isClosed = false;

  send(): void {}

  close(): void {
    this.isClosed = true;
  }

  say(bytes: Uint8Array): void {
    this.dispatchEvent(new MessageEvent("message", { data: Uint8Array.from(bytes).buffer }));
  }
}

const piece = (body: NonNullable<Init<Piece>["body"]>): Uint8Array => toBinary(PieceSchema, create(PieceSchema, { body }));
const nonsense = Uint8Array.of(0xff, 0xff);

function reach(): { socket: RelaySocket; linked: Promise<Link>; told: string[] } {
  const socket = new RelaySocket();
  const told: string[] = [];
  const linked = reachPlain(
    { relay: "ws://127.0.0.1:7445", knock: { host: "box", pass: "" } },
    () => ({ frame: (channel) => void told.push(`frame ${channel}`), closed: (reason) => void told.push(reason) }),
    () => socket as unknown as WebSocket,
  );
  linked.catch(() => {});
  return { socket, linked, told };
}

test("a relay that answers a knock with nonsense is refused", async () => {
  const { socket, linked } = reach();
  socket.say(nonsense);
  await expect(linked).rejects.toMatchObject({ code: "bad_request" });
  expect(socket.isClosed).toBe(true);
});

test("nonsense in a link ends it, and nothing else", async () => {
  const { socket, linked, told } = reach();
  socket.say(piece({ case: "joined", value: { host: "box" } }));
  await linked;
  socket.say(piece({ case: "data", value: Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 7, 1) }));
  expect(told).toEqual(["frame 7"]);
  socket.say(nonsense);
  expect(told).toEqual(["frame 7", expect.stringContaining("bad_request")]);
  expect(socket.isClosed).toBe(true);
});
