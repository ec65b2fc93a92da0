/**
 * Connections of one operator's link to ports of sessions: `hold forward`, a preview, `ssh -L`.
 *
 *   P1  Only to what a program of that session listens on (listening.ts), on the loopback.
 *   P2  It takes what running a program beside the terminal takes, which could go there too: the right to type, and of an AI the policy's
 *       word for `exec`. That is looked up at the beginning and with all that is sent: of whoever may it no more, what is sent next ends
 *       the connection. Whoever is revoked has no link, and with that no connection; a pause of AIs ends at once what an AI has open, since
 *       what it sends there is its input (approval/gate.ts G3).
 *   P3  Where somebody went, how often and how much stands in the session's record (`port_used`): when they first go to a port, before anything
 *       is sent, and when they have not been there for a while. So a page of a hundred requests is two records.
 *   P4  Off until an admin allows it: `host.forward` in config.toml. `ssh -L` is on where the host takes ssh clients at all.
 */
import { connect, type Socket } from "node:net";
import { MonotonicMs } from "@holdfast/core";
import { create, EventBody_PortUsedSchema, HoldError, type Init, type EventBody_PortUsed } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { LiveSession } from "../session/session.ts";
import { operatorOf } from "../session/steering.ts";
import { type Listening, listeningBelow } from "./listening.ts";

/** Connections of one link at once. */
const MOST = 64;
/** P3: the while. */
const IDLE_MS = 60_000;

export interface Forwarded {
  readonly socket: Socket;
  /** P2, before anything that the client sends is handed on. Throws. */
  demand(): void;
}

interface Visit {
  readonly session: LiveSession;
  readonly place: Listening;
  open: number;
  connections: number;
  toPort: number;
  fromPort: number;
  stop: () => void;
}

export class Forwards {
  readonly #host: Host;
  readonly #operator: RegisteredOperator;
  readonly #via: string;
  readonly #visits = new Map<string, Visit>();
  readonly #sockets = new Set<Socket>();
  #opening = 0;
  #isClosed = false;

  constructor(host: Host, operator: RegisteredOperator, via: string) {
    this.#host = host;
    this.#operator = operator;
    this.#via = via;
  }

  /** Resolves when it is connected; the socket is paused. Rejects with the refusal, if nobody listens there, and as `cancelled` where the link ends first. */
  async open(name: string, port: number, by: "link" | "ssh"): Promise<Forwarded> {
    this.#demandAllowed(by);
    if (this.#sockets.size + this.#opening >= MOST)
      throw new HoldError("too_many", `${MOST} connections are forwarded already; close one, or use another link`);
    this.#opening++;
    try {
      const session = this.#host.findFor(this.#operator, name);
      this.#demand(session);
      const place = await placeOf(this.#host, session, port);
      // It took a moment.
      this.#demand(session);
      if (this.#isClosed) throw linkOver();
      return { socket: await this.#connect(session, place), demand: () => this.#demand(session) };
    } finally {
      this.#opening--;
    }
  }

  /** The link is over. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    for (const key of [...this.#visits.keys()]) this.#leave(key);
  }

  /** P4. */
  #demandAllowed(by: "link" | "ssh"): void {
    const { forwarding } = this.#host;
    if (forwarding === "on" || forwarding === by) return;
    throw new HoldError(
      "not_permitted",
      "this host leads nobody to its sessions' ports; an admin allows it: hold config set host.forward on, then hold host down && hold host up",
    );
  }

  /** P2. */
  #demand(session: LiveSession): void {
    this.#host.demand(this.#operator, "session.input", session.id);
    this.#host.gate.demand(this.#operator, "exec", session);
    session.refuseBeside(operatorOf(this.#operator), false);
  }

  async #connect(session: LiveSession, place: Listening): Promise<Socket> {
    const key = `${session.id} ${place.port}`;
    const visit = this.#visit(key, session, place);
    // Either way may be over before the other.
    const socket = connect({ host: place.address, port: place.port, allowHalfOpen: true, noDelay: true });
    socket.pause();
    this.#sockets.add(socket);
    if (this.#operator.kind === "ai") this.#endWhenPaused(socket, session);
    visit.open++;
    visit.connections++;
    socket.once("close", () => {
      this.#sockets.delete(socket);
      visit.toPort += socket.bytesWritten;
      visit.fromPort += socket.bytesRead;
      visit.open--;
      if (this.#isClosed) return this.#leaveLast(key, visit);
      const { clock, wakeAt } = this.#host.ports;
      if (visit.open === 0) visit.stop = wakeAt(MonotonicMs(clock.monoMs() + IDLE_MS), () => this.#leave(key));
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", (fault) => reject(fault instanceof HoldError ? fault : nobody(session, place.port)));
      // What is destroyed on purpose has no error.
      socket.once("close", () => reject(this.#isClosed ? linkOver() : nobody(session, place.port)));
    });
    return socket;
  }

  /** P2. */
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

  /** P3: recorded first; what can't be, is not done. */
  #visit(key: string, session: LiveSession, place: Listening): Visit {
    const known = this.#visits.get(key);
    if (known) {
      known.stop();
      return known;
    }
    const visit = { session, place, open: 0, connections: 0, toPort: 0, fromPort: 0, stop: () => {} };
    this.#record(visit, {});
    this.#visits.set(key, visit);
    return visit;
  }

  #leave(key: string): void {
    const visit = this.#visits.get(key);
    if (visit?.open === 0) this.#leaveLast(key, visit);
  }

  #leaveLast(key: string, visit: Visit): void {
    if (visit.open > 0) return;
    visit.stop();
    this.#visits.delete(key);
    // Removed meanwhile: there is nothing to record it in.
    if (this.#host.sessions.get(visit.session.id) !== visit.session) return;
    const { connections, toPort, fromPort } = visit;
    try {
      this.#record(visit, { over: true, connections, toPort: BigInt(toPort), fromPort: BigInt(fromPort) });
    } catch (fault) {
      if (!isJournalFault(fault)) throw fault;
      this.#host.ports.log(`session ${visit.session.id}: the end of a visit to port ${visit.place.port} can't be recorded`);
    }
  }

  #record({ session, place: { port, address } }: Visit, over: Init<EventBody_PortUsed>): void {
    const value = create(EventBody_PortUsedSchema, { port, address, ...over });
    session.record({ id: this.#operator.id, via: this.#via }, { case: "portUsed", value });
  }
}

/** What a session's programs listen on: those of its terminal, and of the commands beside it. */
export function portsOf(host: Host, session: LiveSession): Promise<readonly Listening[]> {
  const own = [...host.sessions.values()].filter((s) => s === session || host.parentOf(s) === session.id);
  // Of a session whose shim is gone the pid may be anybody's by now.
  return listeningBelow(own.flatMap((s) => (s.shimLink ? [s.facts.shimPid] : [])));
}

/** P1. */
async function placeOf(host: Host, session: LiveSession, port: number): Promise<Listening> {
  const place = (await portsOf(host, session)).find((p) => p.port === port);
  if (!place) throw nobody(session, port);
  return place;
}

const linkOver = (): HoldError => new HoldError("cancelled", "the link is over");

/** Whether another program of the machine listens there is not told. */
function nobody({ id, facts }: LiveSession, port: number): HoldError {
  const name = facts.name || id;
  return new HoldError(
    "no_such_port",
    `no program of session ${name} listens on port ${port} of the loopback; those that do: hold forward ${name} --list`,
    { session: id, port: String(port) },
  );
}
