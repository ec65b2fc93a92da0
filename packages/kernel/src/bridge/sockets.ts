/**
 * The five sockets to one incarnation of a kernel.
 *
 *   Z1  shell, control and stdin have one identity for ever, so that a prompt finds its way to a bridge that came later.
 *   Z2  A kernel is ready for us when all five have shaken hands or answered: it drops a prompt for an identity whose stdin has not.
 *   Z3  iopub is read without a limit: a limit loses output while nothing says so. What bounds it is the spool behind (outlet.ts).
 *   Z4  Sockets go with their incarnation: what a closed one still holds is never sent to the next kernel on the same address.
 */
import { Dealer, Subscriber } from "zeromq";
import { type Channel, frames, type Message, type Sign, unframed } from "../message/index.ts";
import { type Connection, endpoint, type Port, signerOf } from "./connection.ts";

export interface SocketEvents {
  message(channel: Channel, message: Message): void;
  /** Something that is no message of this kernel's. */
  malformed(channel: Channel, fault: string): void;
  beat(): void;
  /** One more has shaken hands; `hb` when it has echoed. */
  joined(port: Port): void;
}

export class KernelSockets {
  readonly #sign: Sign;
  readonly #events: SocketEvents;
  readonly #dealers: Record<"shell" | "control" | "stdin" | "hb", Dealer>;
  readonly #iopub: Subscriber;
  #sending: Promise<void> = Promise.resolve();
  #isClosed = false;
  #isBeating = false;

  constructor(connection: Connection, routingId: string, events: SocketEvents) {
    this.#sign = signerOf(connection.key);
    this.#events = events;
    const options = { linger: 0, reconnectInterval: 10, receiveHighWaterMark: 0 };
    const dealer = () => new Dealer({ ...options, sendHighWaterMark: 0, routingId });
    this.#dealers = { shell: dealer(), control: dealer(), stdin: dealer(), hb: new Dealer({ ...options, sendHighWaterMark: 8 }) };
    this.#iopub = new Subscriber(options);
    this.#iopub.subscribe();
    for (const port of ["shell", "control", "stdin"] as const)
      this.#dealers[port].events.on("handshake", () => events.joined(port));
    this.#iopub.events.on("handshake", () => events.joined("iopub"));
    for (const port of ["shell", "control", "stdin", "hb"] as const) this.#dealers[port].connect(endpoint(connection, port));
    this.#iopub.connect(endpoint(connection, "iopub"));
    for (const channel of ["shell", "control", "stdin"] as const) void this.#read(channel, this.#dealers[channel]);
    void this.#read("iopub", this.#iopub);
    void this.#readBeats();
  }

  /** In order, on whatever channel. */
  send(channel: "shell" | "control" | "stdin", message: Message): void {
    const parts = frames(message, this.#sign).map((part) => Buffer.from(part.buffer, part.byteOffset, part.length));
    this.#push(this.#dealers[channel], parts);
  }

  /** The empty frame stands for a REQ's: kernels answer on REP and on ROUTER alike, and no answer missed is an answer waited for. */
  beat(): void {
    if (this.#isBeating || this.#isClosed) return;
    // A kernel that is stopped takes none: then one send waits, and a second at once would be a fault.
    this.#isBeating = true;
    const sent = () => {
      this.#isBeating = false;
    };
    this.#dealers.hb.send([Buffer.alloc(0), Buffer.from("hold")]).then(sent, sent);
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of [...Object.values(this.#dealers), this.#iopub]) socket.close();
  }

  #push(socket: Dealer, parts: Buffer[]): void {
    this.#sending = this.#sending
      .then(() => (this.#isClosed ? undefined : socket.send(parts)))
      .catch((fault: Error) => (this.#isClosed ? undefined : this.#events.malformed("shell", `send: ${fault.message}`)));
  }

  async #read(channel: Channel, socket: Dealer | Subscriber): Promise<void> {
    for await (const parts of socket) {
      if (this.#isClosed) return;
      const read = unframed(parts as Buffer[], this.#sign);
      if (read.ok) this.#events.message(channel, read.message);
      else this.#events.malformed(channel, read.fault);
    }
  }

  async #readBeats(): Promise<void> {
    let isFirst = true;
    for await (const _ of this.#dealers.hb) {
      if (this.#isClosed) return;
      if (isFirst) this.#events.joined("hb");
      isFirst = false;
      this.#events.beat();
    }
  }
}
