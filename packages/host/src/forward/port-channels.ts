/**
 * The channels of one link that lead to ports: TCP bytes both ways, as much under way as either end has room for.
 *
 *   T1  No more is under way to the client than its window and the hop have room for: meanwhile the program that sends is not read, and no other
 *       channel of the link is held up.
 *   T2  No more is under way to the program than {@link WINDOW_BYTES}: a client that sends more is cut off.
 *   T3  Either way may end before the other. The last word on a channel is `Detached`, with why if it did not end by itself.
 */
import type { Socket } from "node:net";
import { type ClientFrame, type Connect, HoldError, type HostBody, type Tcp } from "@holdfast/protocol";
import { HOP_BYTES } from "../session/attachment.ts";
import type { Forwarded, Forwards } from "./forwards.ts";

/** To the program: what a slow one costs this process, a connection. */
const WINDOW_BYTES = 256 * 1024;
/** What a socket hands over at once. A window is at least two of these, so that one is read while the other is under way. */
const READ_BYTES = 64 * 1024;
const LEAST_WINDOW_BYTES = 2 * READ_BYTES;
const MOST_WINDOW_BYTES = 4 * 1024 * 1024;
/** How much is used before the client is told of it. */
const TELL_BYTES = WINDOW_BYTES / 8;

export interface PortLink {
  /** What waits in this process for the client to read it. */
  readonly buffered: number;
  send(channel: number, body: HostBody): void;
  /** What an operator is told of a fault. */
  told(fault: unknown, doing: string): HoldError;
  onWire(error: HoldError): { code: string; message: string; details: Record<string, string> };
}

interface Open {
  readonly window: number;
  forwarded: Forwarded | null;
  /** The client has left meanwhile. */
  isLeft: boolean;
  sent: number;
  sentUsed: number;
  received: number;
  used: number;
  usedTold: number;
  fault: HoldError | null;
}

export class PortChannels {
  readonly #link: PortLink;
  readonly #forwards: Forwards;
  readonly #open = new Map<number, Open>();

  constructor(forwards: Forwards, link: PortLink) {
    this.#forwards = forwards;
    this.#link = link;
  }

  has(channel: number): boolean {
    return this.#open.has(channel);
  }

  async connect(channel: number, { session, port, window }: Connect): Promise<void> {
    const open: Open = {
      window: Math.max(LEAST_WINDOW_BYTES, Math.min(MOST_WINDOW_BYTES, window || MOST_WINDOW_BYTES)),
      ...{ forwarded: null, isLeft: false, sent: 0, sentUsed: 0, received: 0, used: 0, usedTold: 0, fault: null },
    };
    this.#open.set(channel, open);
    try {
      const forwarded = await this.#forwards.open(session, port, "link");
      if (open.isLeft) return void forwarded.socket.destroy();
      open.forwarded = forwarded;
      this.#link.send(channel, { case: "connected", value: { window: WINDOW_BYTES } });
      this.#carry(channel, open, forwarded.socket);
    } catch (fault) {
      open.fault = this.#link.told(fault, `connecting to port ${port} of ${session}`);
      this.#over(channel, open);
    }
  }

  /** Of a channel that {@link has} one. Throws `bad_request`. */
  heard(channel: number, body: ClientFrame["body"]): void {
    const open = this.#open.get(channel)!;
    if (body.case === "detach") {
      open.isLeft = true;
      this.#open.delete(channel);
      open.forwarded?.socket.destroy();
      return;
    }
    if (body.case !== "tcp" || !open.forwarded)
      throw new HoldError("bad_request", `${body.case ?? "an unknown frame"} does not belong on a connection to a port now`);
    try {
      this.#tcp(channel, open, open.forwarded, body.value);
    } catch (fault) {
      open.fault = this.#link.told(fault, `a connection to a port on channel ${channel}`);
      open.forwarded.socket.destroy();
    }
  }

  /** What waited for the client has left. */
  drained(): void {
    for (const open of this.#open.values()) this.#read(open);
  }

  /** The link is over, or whoever it is of is out. */
  close(): void {
    for (const open of this.#open.values()) open.isLeft = true;
    this.#open.clear();
    this.#forwards.close();
  }

  #tcp(channel: number, open: Open, { socket, demand }: Forwarded, { data, end, used }: Tcp): void {
    if (Number(used) > open.sentUsed) {
      open.sentUsed = Math.min(Number(used), open.sent);
      this.#read(open);
    }
    if (data.length > 0) {
      demand();
      open.received += data.length;
      if (open.received - open.used > WINDOW_BYTES)
        throw new HoldError("bad_request", `more than ${WINDOW_BYTES} bytes were under way to the port`);
      socket.write(data, () => this.#wrote(channel, open, data.length));
    }
    if (end) socket.end();
  }

  #wrote(channel: number, open: Open, bytes: number): void {
    open.used += bytes;
    if (open.used - open.usedTold < TELL_BYTES || this.#open.get(channel) !== open) return;
    open.usedTold = open.used;
    this.#link.send(channel, { case: "tcp", value: { used: BigInt(open.used) } });
  }

  #carry(channel: number, open: Open, socket: Socket): void {
    socket.on("data", (data: Buffer) => {
      if (open.isLeft) return;
      open.sent += data.length;
      this.#link.send(channel, { case: "tcp", value: { data } });
      if (!this.#hasRoom(open)) socket.pause();
    });
    socket.once("end", () => {
      if (!open.isLeft) this.#link.send(channel, { case: "tcp", value: { end: true } });
    });
    socket.once("error", (fault: NodeJS.ErrnoException | HoldError) => {
      const isOurs = fault instanceof HoldError;
      open.fault ??= isOurs
        ? fault
        : new HoldError("port_failed", `the connection to the port ended: ${fault.code ?? fault.message}`);
    });
    socket.once("close", () => this.#over(channel, open));
    this.#read(open);
  }

  /** T1. */
  #hasRoom(open: Open): boolean {
    return this.#link.buffered < HOP_BYTES && open.sent - open.sentUsed + READ_BYTES <= open.window;
  }

  #read(open: Open): void {
    const socket = open.forwarded?.socket;
    if (socket?.isPaused() && this.#hasRoom(open)) socket.resume();
  }

  /** T3. */
  #over(channel: number, open: Open): void {
    if (open.isLeft) return;
    this.#open.delete(channel);
    const { fault } = open;
    this.#link.send(channel, {
      case: "detached",
      value: fault ? { reason: fault.code, error: this.#link.onWire(fault) } : { reason: "left" },
    });
  }
}
