/**
 * The tunnels of a relay: from an operator's call to a host's, or to another relay and from there to the host's.
 *
 *   T1  A tunnel holds back who sends faster than the other end reads, and no other tunnel.
 *   T2  When one end of a tunnel is over, so is the other, and what was sent before an orderly end arrives.
 *   T3  A fleet has so many tunnels here, and so much of what passes (quotas.ts).
 */
import { create, HoldError, PieceSchema, toBinary } from "@holdfast/protocol";
import { type Caller, nameOf } from "./caller.ts";
import { type End, fail, hasLeft } from "./end.ts";
import type { Away, Crossing } from "./group.ts";
import type { Line, Lines, Tunnel } from "./lines.ts";
import type { Quotas } from "./quotas.ts";

/** How a tunnel is asked for. */
export interface Asked {
  readonly caller: Caller;
  readonly from: string;
  readonly carrier: string;
  readonly plain: boolean;
}

export interface TunnelsParts {
  readonly lines: Lines<End>;
  readonly quotas: Quotas;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Tunnels {
  readonly #lines: Lines<End>;
  readonly #quotas: Quotas;
  readonly #log: TunnelsParts["log"];
  /** Of operators here at hosts elsewhere: how each is ended. */
  readonly #crossings = new Set<(why: HoldError) => void>();
  /** Bytes that were passed on, by direction. */
  readonly passed = { toHosts: 0, toOperators: 0 };

  constructor({ lines, quotas, log }: TunnelsParts) {
    this.#lines = lines;
    this.#quotas = quotas;
    this.#log = log;
  }

  /** From operators here to other relays. */
  get crossings(): number {
    return this.#crossings.size;
  }

  endCrossings(why: HoldError): void {
    for (const end of [...this.#crossings]) end(why);
  }

  /** Asks the host to its door, and joins the two. Rejects with why it does not come; then nothing is left of it. */
  async introduce(call: End, line: Line, { caller, from, carrier, plain }: Asked): Promise<void> {
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    call.once("cancelled", leave);
    call.once("close", leave);
    let isJoined = false;
    const tunnel: Tunnel = { caller, from, isJoined: () => isJoined, end: (why) => end(why) };
    let end = (why: HoldError): void => gone.abort(why);
    const over = this.#begin(line, tunnel);
    call.once("close", over);
    call.once("cancelled", over);
    try {
      const host = await this.#lines.offer(line, { from, carrier, plain, gone: gone.signal });
      call.removeListener("cancelled", leave);
      call.removeListener("close", leave);
      isJoined = true;
      end = (why) => {
        this.#log("tunnel_ended", { host: line.host.id, caller: nameOf(caller), why: why.code });
        fail(call, why);
        fail(host, why);
      };
      this.#log("tunnel_opened", { host: line.host.id, caller: nameOf(caller), from });
      const joined = Buffer.from(
        toBinary(PieceSchema, create(PieceSchema, { body: { case: "joined", value: { host: line.host.id } } })),
      );
      call.write(joined);
      host.write(joined);
      const { fleet } = line.host;
      this.#pass(call, host, fleet, (bytes) => (this.passed.toHosts += bytes));
      this.#pass(host, call, fleet, (bytes) => (this.passed.toOperators += bytes));
    } catch (fault) {
      over();
      throw fault;
    }
  }

  /** `far` leads to the relay where the host has its line. */
  cross(call: End, far: End, { to, ...crossing }: Crossing & { readonly to: Away }): void {
    const over = (): void => {
      this.#crossings.delete(end);
      if (!far.destroyed) far.destroy();
    };
    const end = (why: HoldError): void => {
      fail(call, why);
      over();
    };
    if (hasLeft(call)) return void far.destroy();
    this.#crossings.add(end);
    call.once("close", over);
    call.once("cancelled", over);
    far.once("close", () => this.#crossings.delete(end));
    this.#log("tunnel_crosses", { host: to.id, caller: nameOf(crossing.caller), from: crossing.from, to: to.relay });
    this.#pass(call, far, to.fleet, (bytes) => (this.passed.toHosts += bytes));
    this.#pass(far, call, to.fleet, (bytes) => (this.passed.toOperators += bytes));
  }

  /** T3. Throws `too_many`. What is returned is called when it is over. */
  #begin(line: Line, tunnel: Tunnel): () => void {
    const leaveFleet = this.#quotas.tunnel(line.host.fleet);
    try {
      const over = this.#lines.begin(line, tunnel);
      return () => {
        leaveFleet();
        over();
      };
    } catch (fault) {
      leaveFleet();
      throw fault;
    }
  }

  /** T1, T2, T3. */
  #pass(from: End, to: End, fleet: string, count: (bytes: number) => void): void {
    let isFull = false;
    let ahead: NodeJS.Timeout | null = null;
    const goOn = (): void => {
      if (!isFull && !ahead) from.resume();
    };
    from.on("data", (bytes: Buffer) => {
      count(bytes.length);
      const waitMs = this.#quotas.passed(fleet, bytes.length);
      if (!to.write(bytes)) isFull = true;
      if (waitMs > 0) {
        // What had been read ahead comes in spite of a pause: the later wait is the one that counts.
        clearTimeout(ahead ?? undefined);
        ahead = setTimeout(() => {
          ahead = null;
          goOn();
        }, waitMs);
      }
      if (isFull || ahead) from.pause();
    });
    to.on("drain", () => {
      isFull = false;
      goOn();
    });
    from.on("end", () => to.end());
    const cut = (fault?: unknown): void => fail(to, fault instanceof HoldError ? fault : gone());
    from.on("cancelled", cut);
    from.on("error", cut);
    from.resume();
  }
}

function gone(): HoldError {
  return new HoldError("unreachable", "the other end of the tunnel is gone");
}
