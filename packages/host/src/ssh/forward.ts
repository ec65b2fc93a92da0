/**
 * `ssh -L`: a connection to a port of this machine's loopback, for whoever may type in the session.
 *
 *   P1  Nowhere but the loopback: what is asked for is compared by name, and no name is looked up.
 *   P2  Where somebody went stands in the session's record, once a connection and port.
 *   P3  A pause of AIs ends what an AI has open: what it sends there is its input (approval/gate.ts G3).
 */
import { connect, type Socket } from "node:net";
import { create, EventBody_NoteSchema, HoldError } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { LiveSession } from "../session/session.ts";
import { operatorOf } from "../session/steering.ts";
import type { Sink } from "./sink.ts";

/** Of one connection at once. */
const MOST = 64;
/** P1. */
const LOOPBACK: Readonly<Record<string, string>> = { localhost: "localhost", "127.0.0.1": "127.0.0.1", "::1": "::1" };

export class Forwards {
  readonly #host: Host;
  readonly #operator: RegisteredOperator;
  readonly #session: string;
  readonly #recorded = new Set<string>();
  readonly #sockets = new Set<Socket>();

  constructor(host: Host, operator: RegisteredOperator, session: string) {
    this.#host = host;
    this.#operator = operator;
    this.#session = session;
  }

  /** Resolves when it is connected; rejects with why not, or if nobody listens there. */
  async open(address: string, port: number): Promise<Socket> {
    const to = LOOPBACK[address.toLowerCase()];
    if (!to) throw new HoldError("not_permitted", `${JSON.stringify(address)} is not of this machine's loopback`);
    if (this.#sockets.size >= MOST) throw new HoldError("too_many", `${MOST} connections are forwarded already`);
    const session = this.#host.findFor(this.#operator, this.#session);
    this.#host.demand(this.#operator, "session.input", session.id);
    // What speaks to a port of the machine may start things there as a program beside the terminal may.
    this.#host.gate.demand(this.#operator, "exec", session);
    session.refuseBeside(operatorOf(this.#operator), false);
    const place = `${to}:${port}`;
    if (!this.#recorded.has(place)) {
      const value = create(EventBody_NoteSchema, { text: `went to the port ${port} of ${to} through ssh -L` });
      session.record({ id: this.#operator.id, via: "ssh" }, { case: "note", value });
      this.#recorded.add(place);
    }
    const socket = connect({ host: to, port, autoSelectFamily: true });
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    if (this.#operator.kind === "ai") this.#endWhenPaused(socket, session);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return socket;
  }

  /** P3. */
  #endWhenPaused(socket: Socket, session: LiveSession): void {
    const beside = this.#host.sessions.get(this.#host.parentOf(session));
    const stops = [session, ...(beside ? [beside] : [])].map((of) =>
      of.listen((_entry, body) => {
        if (body?.case === "aiPaused" && body.value.paused)
          socket.destroy(new HoldError("ai_paused", `AI operators were paused in session ${of.facts.name || of.id}`));
      }),
    );
    socket.once("close", () => {
      for (const stop of stops) stop();
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Each way until its end: one may be over before the other. */
export function join(sink: Sink, socket: Socket): void {
  let open = 2;
  const ended = (): void => {
    if (--open === 0) void sink.end();
  };
  socket.on("data", (bytes: Buffer) => {
    socket.pause();
    void sink.write(bytes).then(() => socket.resume());
  });
  socket.once("end", () => {
    void sink.eof();
    ended();
  });
  socket.once("error", () => void sink.end());
  sink.read(
    (bytes) => new Promise((done) => socket.write(bytes, () => done())),
    () => {
      socket.end();
      ended();
    },
  );
}
