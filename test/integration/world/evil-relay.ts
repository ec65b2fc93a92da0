/** A relay that does to what it passes what it likes: the real one, in the test's own process, with its hands on the calls. */
import { fromBinary, PieceSchema } from "@holdfast/protocol";
import { FileBook, listenGrpc, meantBy, Relay } from "@holdfast/relay";
import type { HostClient } from "@holdfast/sdk";
import { randomBytes } from "node:crypto";
import type { World } from "./world.ts";

type Call = Parameters<Relay["reach"]>[0];
/** What the other end hears in place of a piece of data; the next one too, where a piece is held back. */
export type Deed = "flip" | "drop" | "double" | "swap" | "truncate";
export type Direction = "to host" | "to operator";

interface Plan {
  readonly deed: Deed;
  readonly direction: Direction;
  /** Of the pieces of one tunnel, from 0. */
  readonly piece: number;
}

export class EvilRelay {
  readonly #relay: Relay;
  readonly #book = FileBook.open(null);
  readonly #calls = new Set<Call>();
  url = "";
  /** Done once, to the first tunnel that has such a piece. */
  plan: Plan | null = null;
  deeds = 0;
  tunnels = 0;

  private constructor() {
    this.#relay = new Relay({ book: this.#book, isMe: meantBy(null), wallMs: () => Date.now(), log: () => {} });
  }

  static async start(w: World): Promise<EvilRelay> {
    const evil = new EvilRelay();
    const through = {
      serve: (call: Parameters<Relay["serve"]>[0]) => evil.#relay.serve(call),
      accept: (call: Call) => evil.#relay.accept(evil.#handled(call, "to host")),
      reach: (call: Call) => evil.#relay.reach(evil.#handled(call, "to operator")),
      find: evil.#relay.find.bind(evil.#relay),
    } as unknown as Relay;
    const { port, close } = await listenGrpc(through, { listen: "127.0.0.1:0" });
    evil.url = `http://127.0.0.1:${port}`;
    w.atEnd(close);
    return evil;
  }

  /** Has the host of `client` join. Resolves with where operators find it. */
  async joinedBy(client: HostClient, name: string): Promise<string> {
    const token = randomBytes(32);
    this.#book.invite(token, { fleet: "home", name, untilUnixMs: Date.now() + 60_000 }, Date.now());
    await client.joinRelay({ url: this.url, token, name });
    return `relay+${this.url}/${name}`;
  }

  /** Tunnels that an operator and the host have an end of. */
  get open(): number {
    return Math.trunc(this.#calls.size / 2);
  }

  /** Ends every tunnel. */
  cut(): void {
    for (const call of this.#calls) call.emit("error", Object.assign(new Error("cut"), { code: 14 }));
    this.#calls.clear();
  }

  #handled(call: Call, direction: Direction): Call {
    this.#calls.add(call);
    if (direction === "to operator") this.tunnels++;
    call.on("close", () => this.#calls.delete(call));
    const write = call.write.bind(call) as (piece: Buffer) => boolean;
    let n = -1;
    let held: Buffer | null = null;
    call.write = ((piece: Buffer): boolean => {
      if (fromBinary(PieceSchema, piece).body.case !== "data") return write(piece);
      n++;
      if (held) {
        const before = held;
        held = null;
        write(piece);
        return write(before);
      }
      if (this.plan?.direction !== direction || this.plan.piece !== n) return write(piece);
      const { deed } = this.plan;
      this.plan = null;
      this.deeds++;
      if (deed === "drop") return true;
      if (deed === "swap") {
        held = piece;
        return true;
      }
      if (deed === "double") write(piece);
      if (deed === "truncate") {
        // In the midst of a record, and then the end.
        const body = fromBinary(PieceSchema, piece).body.value as Uint8Array;
        call.end();
        return body.length > 0;
      }
      if (deed === "flip")
        piece[piece.length - 1 - Math.trunc(Math.random() * Math.min(16, piece.length - 8))]! ^=
          1 << Math.trunc(Math.random() * 8);
      return write(piece);
    }) as Call["write"];
    return call;
  }
}
