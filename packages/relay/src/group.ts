/**
 * What relays that share their book share besides (nats/group.ts): which of them has a host's line, and tunnels from one to another.
 *
 *   G1  Of two lines of one host the later is it, wherever they are: each has a fence, and a later one is higher. The relay of the other is told.
 *   G2  What can't be agreed on with the group is not done: no host is registered then. What needs no agreement goes on.
 */
import type { Doors, Init } from "@holdfast/protocol";
import type { BookedHost } from "./book.ts";
import type { Caller } from "./caller.ts";
import type { End } from "./end.ts";

/** That a relay has a host's line. */
export interface Claim {
  readonly host: string;
  /** G1. */
  readonly fence: number;
  /** Another line of the host came later. */
  readonly isLost: boolean;
}

export interface Claimed {
  readonly host: BookedHost;
  readonly version: string;
  readonly from: string;
}

/** A host whose line another relay has. */
export interface Away {
  readonly id: string;
  readonly name: string;
  readonly fleet: string;
  readonly version: string;
  readonly from: string;
  readonly sinceUnixMs: number;
  readonly relay: string;
}

/** What an operator asks of a host at another relay. */
export interface Crossing {
  readonly caller: Caller;
  /** Its id. */
  readonly host: string;
  /** What the operator called it. */
  readonly asked: string;
  readonly from: string;
  readonly carrier: string;
  readonly plain: boolean;
}

/** What a group tells its relay. */
export interface Member {
  lost(claim: Claim): void;
  /** An operator is at another relay. */
  arrive(end: End, crossing: Crossing): void;
  revoked(kind: "host" | "key", id: string): void;
}

export interface Group {
  /** Said to hosts; empty: there is none. */
  readonly id: string;
  /** G2. False while nothing can be agreed on. */
  readonly isWhole: boolean;
  /** Tunnels that cross, bytes of data that did, and how often NATS was lost and found again. */
  readonly counts: { readonly tunnels: number; readonly sent: number; readonly received: number; readonly reconnects: number };
  meet(member: Member): void;
  /** Throws `unreachable` (G2). */
  claim(of: Claimed): Promise<Claim>;
  /** Whom the host lets in, said to the group. Throws `unreachable`. */
  doors(claim: Claim, doors: Init<Doors>): Promise<void>;
  release(claim: Claim): void;
  /** Of hosts elsewhere those that this name or id means and that admit the caller. Throws `unreachable`. */
  find(caller: Caller, asked: string): Promise<readonly Away[]>;
  /** All that admit the caller. Throws `unreachable`. */
  admitting(caller: Caller): Promise<readonly Away[]>;
  /** Who is where, for who runs the relay; `relay` is its name here. Throws `unreachable`. */
  away(): Promise<readonly Away[]>;
  /** Throws `unreachable` where that relay is no more. */
  cross(to: Away, crossing: Crossing): Promise<End>;
  leave(): Promise<void>;
}

/** A relay alone. */
export class Alone implements Group {
  readonly id = "";
  readonly isWhole = true;
  readonly counts = { tunnels: 0, sent: 0, received: 0, reconnects: 0 };
  #fence = 0;

  meet(): void {}
  claim({ host }: Claimed): Promise<Claim> {
    return Promise.resolve({ host: host.id, fence: ++this.#fence, isLost: false });
  }
  doors(): Promise<void> {
    return Promise.resolve();
  }
  release(): void {}
  find(): Promise<readonly Away[]> {
    return Promise.resolve([]);
  }
  admitting(): Promise<readonly Away[]> {
    return Promise.resolve([]);
  }
  away(): Promise<readonly Away[]> {
    return Promise.resolve([]);
  }
  cross(): Promise<End> {
    return Promise.reject(new Error("a relay alone crosses to none"));
  }
  leave(): Promise<void> {
    return Promise.resolve();
  }
}
