/** The relays that this host dials, as its home remembers them. */
import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { relayAddress, relayUrl } from "@holdfast/carrier/grpc";
import { create, type Doors, HoldError, type Init, type Uplink as OnWire, UplinkSchema } from "@holdfast/protocol";
import type { Invitations } from "../operator/invitations.ts";
import { keyIdOf } from "../operator/key.ts";
import type { OperatorRegistry } from "../operator/registry.ts";
import { storeDurably } from "../operator/store.ts";
import { type RelayWish, Uplink, type UplinkParts } from "./uplink.ts";

const MAX_RELAYS = 16;

export interface UplinksParts extends Omit<UplinkParts, "doors" | "isServed" | "lineOver"> {
  readonly path: string;
  readonly registry: OperatorRegistry;
  readonly invitations: Invitations;
}

export class Uplinks {
  readonly #parts: UplinksParts;
  #all: readonly Uplink[] = [];

  constructor(parts: UplinksParts) {
    this.#parts = parts;
  }

  /** Dials those that the home remembers. What can't be read is told, and keeps nobody of this machine out. */
  start(): void {
    const { path, log } = this.#parts;
    if (!existsSync(path)) return;
    try {
      const wishes = JSON.parse(readFileSync(path, "utf8")) as RelayWish[];
      this.#all = wishes.map((wish) => this.#uplink(wish));
    } catch (fault) {
      log(`${path} can't be read (${String(fault)}): no relay is dialled; join again, or put it right`);
    }
    for (const uplink of this.#all) uplink.start();
  }

  stop(): void {
    for (const uplink of this.#all) uplink.stop();
  }

  /** Rejects with what the relay says; nothing is remembered then. Joined already, it registers anew. */
  async join(asked: RelayWish, token: Uint8Array): Promise<OnWire> {
    const address = relayAddress(asked.url);
    if (address.isWeb)
      throw new HoldError(
        "usage",
        `${asked.url} is a relay's web side, and hosts dial by gRPC: say the relay's https:// address`,
      );
    const wish = { ...asked, url: relayUrl(address), name: asked.name || ownName() };
    const others = (): Uplink[] => this.#all.filter((u) => u.wish.url !== wish.url);
    if (others().length >= MAX_RELAYS) throw new HoldError("too_many", `this host dials ${MAX_RELAYS} relays; leave one first`);
    const uplink = this.#uplink(wish);
    await uplink.join(token);
    const before = this.#all.filter((u) => u.wish.url === wish.url);
    try {
      this.#keep([...others(), uplink]);
    } catch (fault) {
      uplink.stop();
      throw fault;
    }
    // Once the new one is known: those that stand by are not woken for the one that it takes the place of.
    for (const old of before) old.stop();
    return shown(uplink);
  }

  leave(url: string): void {
    const wanted = relayUrl(relayAddress(url));
    const [found] = this.#all.filter((u) => u.wish.url === wanted || u.wish.url.split("#", 1)[0] === wanted);
    if (!found)
      throw new HoldError(
        "bad_request",
        `this host does not dial ${url}; it dials ${this.#all.map((u) => u.wish.url).join(", ") || "none"}`,
      );
    this.#keep(this.#all.filter((u) => u !== found));
    found.stop();
  }

  list(): OnWire[] {
    return this.#all.map(shown);
  }

  /** Operators, their keys or invitations have changed. */
  doorsChanged(): void {
    for (const uplink of this.#all) uplink.tellDoors();
  }

  #uplink(wish: RelayWish): Uplink {
    return new Uplink(wish, {
      ...this.#parts,
      doors: () => this.#doors(),
      isServed: (group) => this.#all.some((other) => other.isServing(group)),
      lineOver: () => {
        for (const other of this.#all) other.wake();
      },
    });
  }

  #keep(all: readonly Uplink[]): void {
    storeDurably(
      this.#parts.path,
      all.map((u) => u.wish),
    );
    this.#all = all;
  }

  #doors(): Init<Doors> {
    const { registry, invitations, wallMs } = this.#parts;
    const now = wallMs();
    const welcome = registry.list().filter((o) => !o.revoked && (o.guest === undefined || o.guest.untilUnixMs > now));
    // One that is taken may be open again in a moment (its taker's name was another's): who holds it is told so at the door, by the host.
    const invited = invitations.list().filter((i) => i.state !== "revoked" && i.redeemUntilUnixMs > now);
    return {
      keyIds: welcome.flatMap((o) => o.keys.map((key) => keyIdOf(Buffer.from(key, "base64")))),
      // The relay sees the hash of what an invited person shows it, which is itself no more than the token's.
      invited: invited.map((i) => ({
        knockHash: keyIdOf(Buffer.from(i.tokenHash, "hex")),
        untilUnixMs: BigInt(Math.trunc(i.redeemUntilUnixMs)),
      })),
    };
  }
}

/** Of a relay's word. */
const VERSION_CHARS = 64;
const MOST_UINT32 = 4_294_967_295;

function shown({ wish, state, sinceUnixMs, tunnels, rttUs }: Uplink): OnWire {
  return create(UplinkSchema, {
    url: wish.url,
    name: state.name === "connected" ? state.registered.name : wish.name,
    fleet: state.name === "connected" ? state.registered.fleet : "",
    state: state.name,
    sinceUnixMs: BigInt(Math.trunc(sinceUnixMs)),
    why: "why" in state ? state.why : "",
    tunnels,
    allowPlain: wish.allowPlain ?? false,
    page: state.name === "connected" ? state.registered.page : "",
    version: state.name === "connected" ? state.registered.version.slice(0, VERSION_CHARS) : "",
    rttUs: state.name === "connected" ? Math.min(rttUs, MOST_UINT32) : 0,
  });
}

/** As a host's name at a relay may be. */
function ownName(): string {
  return hostname()
    .toLowerCase()
    .split(".", 1)[0]!
    .replaceAll(/[^a-z0-9-]/g, "-")
    .replace(/^-+/, "")
    .slice(0, 63);
}
