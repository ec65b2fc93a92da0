/**
 * The host's line to one relay, dialled outward: it registers, says whom it lets to its door, comes to the door when somebody is there, and dials again
 * whenever the line is over (docs/relay.md).
 *
 *   U1  The relay is told keys and hashes of invitations, and nothing of sessions or of what is done in them.
 *   U2  A line without a word for three beats is over, whatever TCP thinks.
 *   U3  Refused is not unreachable: what the relay said is shown, and it is asked again, seldom.
 *   U4  A page can't have TLS inside, and the relay could read and forge it: it is let in where an admin has said so, and its link is marked.
 *   U5  What the relay says is a stranger's: no word of it stops this host, fills its memory or writes to a terminal.
 *   U6  Relays of one group are one: where one of them has the host's line, another needs none. The one that is told so stands by, and dials when the
 *       other line is over.
 */
import { randomBytes, sign } from "node:crypto";
import type { Acceptor, Link } from "@holdfast/carrier";
import {
  audienceOf,
  type PieceCall,
  relayAddress,
  type RelayAddress,
  RelayClient,
  signPass,
  takeOffer,
} from "@holdfast/carrier/grpc";
import {
  type Code,
  create,
  type Doors,
  DoorsSchema,
  fromBinary,
  HoldError,
  type HostWord,
  HostWordSchema,
  type Init,
  isCode,
  limits,
  type Offer,
  type Registered,
  type RelayWord,
  RelayWordSchema,
  toBinary,
} from "@holdfast/protocol";
import type { HostIdentity } from "../link/identity.ts";
import { waitMs } from "./backoff.ts";

export interface RelayWish {
  readonly url: string;
  /** That it is to have there; empty: the relay's choice. */
  readonly name: string;
  /** PEM; empty: the system's authorities. */
  readonly ca: string;
  /** U4. Absent: no. */
  readonly allowPlain?: boolean;
}

export interface UplinkParts {
  readonly identity: HostIdentity;
  readonly version: string;
  readonly doors: () => Init<Doors>;
  readonly meet: Acceptor;
  readonly log: (text: string) => void;
  readonly wallMs: () => number;
  /** U6. Whether the host has a line at another relay of this group. */
  readonly isServed: (group: string) => boolean;
  /** A line that was had is over. */
  readonly lineOver: () => void;
}

export type UplinkState =
  | { readonly name: "connecting"; readonly why: string }
  | { readonly name: "connected"; readonly registered: Registered }
  | { readonly name: "refused"; readonly why: string }
  | { readonly name: "standby"; readonly why: string }
  | { readonly name: "over" };

/** U2. */
const SILENT_BEATS = 3;
/** U3. */
const REFUSED_MS = 60_000;
const REGISTER_MS = 10_000;
/** U5: what a relay may ask for, and how many may be on their way to the door at once. */
const BEAT_MS = { least: 500, most: 60_000 } as const;
const MAX_COMING = 256;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const RELAY_PROTOCOL = 1;

export class Uplink {
  readonly wish: RelayWish;
  readonly #parts: UplinkParts;
  readonly #address: RelayAddress;
  #state: UplinkState = { name: "connecting", why: "" };
  #sinceUnixMs: number;
  #failures = 0;
  /** U6: as it said when it was last registered. */
  #group = "";
  #line: { readonly call: PieceCall; readonly client: RelayClient } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #tunnels = 0;
  #coming = 0;
  #complainedUnixMs = 0;
  /** U4: what was let in is out when that is taken back. */
  readonly #plain = new Set<Link>();

  /** Throws `usage` for an address that is none. */
  constructor(wish: RelayWish, parts: UplinkParts) {
    this.wish = wish;
    this.#parts = parts;
    this.#address = relayAddress(wish.url);
    this.#sinceUnixMs = parts.wallMs();
  }

  get state(): UplinkState {
    return this.#state;
  }
  get sinceUnixMs(): number {
    return this.#sinceUnixMs;
  }
  get tunnels(): number {
    return this.#tunnels;
  }

  /** Registers now; resolves when the relay has taken it, rejects with why not. Once taken it stays dialled; else nothing is left. */
  async join(token: Uint8Array): Promise<Registered> {
    try {
      return await this.#dial(token);
    } catch (fault) {
      this.stop();
      throw fault;
    }
  }

  start(): void {
    this.#dial(new Uint8Array(0)).catch(() => {});
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#become({ name: "over" });
    this.#hangUp();
    for (const link of this.#plain) link.destroy();
  }

  /** U6. */
  isServing(group: string): boolean {
    return this.#state.name === "connected" && group !== "" && this.#state.registered.group === group;
  }

  /** U6: the line for which it stood by is over. */
  wake(): void {
    if (this.#state.name !== "standby" || this.#parts.isServed(this.#group)) return;
    clearTimeout(this.#timer);
    this.start();
  }

  /** Says again whom the host lets in. */
  tellDoors(): void {
    if (this.#state.name === "connected") this.#say({ case: "doors", value: create(DoorsSchema, this.#parts.doors()) });
  }

  #say(body: NonNullable<Init<HostWord>["body"]>): void {
    this.#line?.call.write(Buffer.from(toBinary(HostWordSchema, create(HostWordSchema, { body }))));
  }

  /** Whatever becomes of it, it is dialled again; resolves once it is registered. */
  async #dial(token: Uint8Array): Promise<Registered> {
    const { ca, name } = this.wish;
    const { identity, wallMs, version } = this.#parts;
    let client: RelayClient;
    try {
      client = await RelayClient.open(this.#address, ca === "" ? {} : { ca });
    } catch (fault) {
      this.#again(fault);
      throw fault;
    }
    if (this.#state.name === "over") {
      client.close();
      throw new HoldError("cancelled", "the host has left that relay");
    }
    const call = client.stream("serve");
    this.#line = { call, client };
    return new Promise((resolve, reject) => {
      const over = (fault: unknown): void => {
        clearTimeout(late);
        reject(fault);
        if (this.#line?.call === call) this.#again(fault);
      };
      const late = setTimeout(() => over(new HoldError("timed_out", "the relay does not answer the registration")), REGISTER_MS);
      call.on("error", (fault: Error) => over(new HoldError("unreachable", `the line to the relay ended: ${fault.message}`)));
      call.on("end", () => over(new HoldError("unreachable", "the relay ended the line")));
      call.on("data", (bytes: Buffer) => {
        const body = readWord(bytes);
        if (!body) return over(new HoldError("bad_request", "who answers there does not speak as a relay"));
        switch (body.case) {
          case "registered":
            if (this.#state.name === "connected") return;
            clearTimeout(late);
            this.#registered(body.value);
            return resolve(body.value);
          case "refused":
            return over(
              new HoldError(
                isCode(body.value.code) ? body.value.code : "internal",
                shown(body.value.message),
                body.value.details,
              ),
            );
          case "beat":
            return this.#beat();
          case "offer":
            return this.#come(body.value, client);
        }
      });
      signPass({
        publicKey: identity.publicKey,
        sign: (words) => sign(null, words, identity.key),
        audience: audienceOf(this.#address),
        nowUnixMs: wallMs(),
        id: randomBytes(12).toString("hex"),
      }).then((pass) => {
        // Said with it, they hold from the first moment; what changed until the answer is said again then.
        const doors = create(DoorsSchema, this.#parts.doors());
        this.#say({ case: "register", value: { pass, name, token, version, protocol: RELAY_PROTOCOL, doors } });
      }, over);
    });
  }

  #registered(registered: Registered): void {
    this.#failures = 0;
    this.#group = registered.group;
    this.#become({ name: "connected", registered });
    this.#parts.log(`relay ${this.wish.url}: registered as ${registered.name} of ${registered.fleet}`);
    this.tellDoors();
    this.#beat();
  }

  /** U2. The answer to one beat is when the next is due to be said. */
  #beat(): void {
    if (this.#state.name !== "connected") return;
    const beatMs = Math.min(Math.max(this.#state.registered.beatMs, BEAT_MS.least), BEAT_MS.most);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#say({ case: "beat", value: {} });
      this.#timer = setTimeout(
        () => this.#again(new HoldError("unreachable", "the relay has not said a word for three beats")),
        SILENT_BEATS * beatMs,
      );
    }, beatMs);
  }

  #come(offer: Offer, client: RelayClient): void {
    const { identity, meet } = this.#parts;
    const decline = (code: Code, message: string): void =>
      this.#say({ case: "decline", value: { id: offer.id, error: { code, message, details: {} } } });
    if (offer.plain && !this.wish.allowPlain)
      return decline(
        "not_permitted",
        "this host opens to no page through a relay, which could read and forge it; an admin allows it with: hold host join URL --allow-plain",
      );
    if (this.#coming >= MAX_COMING) return decline("too_many", `${MAX_COMING} are on their way to this host's door`);
    this.#coming++;
    takeOffer(client, offer.id, offer.plain ? null : identity.key, (link) => {
      const handlers = meet(link);
      this.#tunnels++;
      if (link.isPlain) this.#plain.add(link);
      return {
        get maxFrameBytes() {
          return handlers.maxFrameBytes ?? limits.frameBytes;
        },
        frame: (channel, message) => handlers.frame(channel, message),
        drained: () => handlers.drained?.(),
        closed: (reason) => {
          this.#tunnels--;
          this.#plain.delete(link);
          handlers.closed(reason);
        },
      };
    })
      .catch((fault: unknown) => this.#complain(`a tunnel from ${shown(offer.from)} came to nothing: ${shown(String(fault))}`))
      .finally(() => this.#coming--);
  }

  /** U5: of what a relay can bring about as often as it likes, one line a second. */
  #complain(text: string): void {
    const now = this.#parts.wallMs();
    if (Math.abs(now - this.#complainedUnixMs) < 1_000) return;
    this.#complainedUnixMs = now;
    this.#parts.log(`relay ${this.wish.url}: ${text}`);
  }

  /** The line is over, or there was none. */
  #again(fault: unknown): void {
    if (this.#state.name === "over") return;
    this.#hangUp();
    const why = shown(fault instanceof Error ? fault.message : String(fault));
    clearTimeout(this.#timer);
    if (fault instanceof HoldError && fault.code === "fenced" && this.#group !== "") return this.#standBy();
    const isRefused = fault instanceof HoldError && !["unreachable", "draining", "timed_out", "internal"].includes(fault.code);
    if (this.#state.name === "connected" || (isRefused && this.#state.name !== "refused"))
      this.#parts.log(`relay ${this.wish.url}: ${why}`);
    this.#become(isRefused ? { name: "refused", why } : { name: "connecting", why });
    const ms = isRefused ? REFUSED_MS : waitMs(this.#failures++, Math.random());
    this.#timer = setTimeout(() => this.start(), ms);
  }

  /** U6. The other line may be of another host process with this one's key, of which nothing is known here: then it is asked again, seldom. */
  #standBy(): void {
    this.#become({ name: "standby", why: "the host's line is at another relay of this group" });
    this.#timer = setTimeout(() => (this.#parts.isServed(this.#group) ? this.#standBy() : this.start()), REFUSED_MS);
  }

  /** Tunnels are calls of the client: an orderly end waits for them. */
  #hangUp(): void {
    const line = this.#line;
    this.#line = null;
    line?.call.giveUp();
    line?.client.close();
  }

  #become(state: UplinkState): void {
    const wasConnected = this.#state.name === "connected";
    if (state.name !== this.#state.name) this.#sinceUnixMs = this.#parts.wallMs();
    this.#state = state;
    // Who stands by has lost it to another, which is there.
    if (wasConnected && state.name !== "connected" && state.name !== "standby") this.#parts.lineOver();
  }
}

function readWord(bytes: Buffer): RelayWord["body"] | null {
  try {
    const { body } = fromBinary(RelayWordSchema, bytes);
    const isSound =
      body.case !== "registered" || (NAME.test(body.value.name) && NAME.test(body.value.fleet) && body.value.group.length <= 64);
    return isSound ? body : null;
  } catch {
    return null;
  }
}

/** U5. */
function shown(text: string): string {
  return text.slice(0, 500).replaceAll(/\p{C}/gu, "\u{fffd}");
}
