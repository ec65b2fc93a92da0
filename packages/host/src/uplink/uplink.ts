/**
 * The host's line to one relay, dialled outward: it registers, says whom it lets to its door, comes to the door when somebody is there, and dials again
 * whenever the line is over (docs/relay.md).
 *
 *   U1  The relay is told keys, hashes of invitations and heads of the chain, and nothing of sessions or of what is done in them.
 *   U2  A line without a word for three beats is over, whatever TCP thinks. One that leaves a beat unanswered for a moment is doubted: another connection is
 *       dialled beside it, and if that one stands first, the line goes on there, and what was on the old one is over.
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
  Pace,
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
  headFrom,
  headOnWire,
  type HeadProof,
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
  type SignedHead,
  toBinary,
} from "@holdfast/protocol";
import type { HostIdentity } from "../link/identity.ts";
import type { HostWitness } from "../witness/witness.ts";

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
  /** Whose heads the relay keeps. */
  readonly witness: Pick<HostWitness, "current" | "onHead" | "present">;
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
/** As long as another connection took to dial, which on a slow line is some round trips. */
const DOUBT_MS = { least: 500, most: 3_000 } as const;
/** While somebody is on the line it is looked after more closely: TCP, after a moment's break, is still for as long as that again. */
const BUSY_BEAT_MS = 1_000;
/** U3. */
const REFUSED_MS = 60_000;
const REGISTER_MS = 10_000;
/** U5: what a relay may ask for, and how many may be on their way to the door at once. */
const BEAT_MS = { least: 500, most: 60_000 } as const;
const MAX_COMING = 256;
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const RELAY_PROTOCOL = 1;
/** A relay hears out 64 KiB of whom it does not know. */
const FIRST_DOORS_BYTES = 48 * 1024;

export class Uplink {
  readonly wish: RelayWish;
  readonly #parts: UplinkParts;
  readonly #address: RelayAddress;
  #state: UplinkState = { name: "connecting", why: "" };
  #sinceUnixMs: number;
  readonly #pace = new Pace();
  /** The last line's connection brought nothing any more. */
  #isStalled = false;
  /** Dialled beside it, for the next line. */
  #spare: RelayClient | null = null;
  #doubt: NodeJS.Timeout | undefined;
  #doubtMs: number = DOUBT_MS.least;
  /** A beat that was said and is not answered yet. */
  #asked: object | null = null;
  #answeredMs = 0;
  /** U6: as it said when it was last registered. */
  #group = "";
  #line: { readonly call: PieceCall; readonly client: RelayClient } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #tunnels = 0;
  #saidMs = 0;
  #rttUs = 0;
  #coming = 0;
  #complainedUnixMs = 0;
  /** What came in by the line's connection. U4: what is plain is out when that is taken back. */
  readonly #links = new Set<Link>();

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
  /** Of the last beat that was answered on this line; 0: none yet. */
  get rttUs(): number {
    return this.#rttUs;
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
    this.#settle();
    this.#become({ name: "over" });
    this.#hangUp();
    this.#spare?.close();
    for (const link of this.#links) if (link.isPlain) link.destroy();
  }

  /** U6. */
  isServing(group: string): boolean {
    return this.#state.name === "connected" && group !== "" && this.#state.registered.group === group;
  }

  /** U6: the line for which it stood by is over. */
  wake(): void {
    if (this.#state.name === "standby" && !this.#parts.isServed(this.#group)) this.#stepIn();
  }

  /** U6. Once: who dials stands by no more. */
  #stepIn(): void {
    clearTimeout(this.#timer);
    this.#become({ name: "connecting", why: "the host's line at another relay of this group is over" });
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
    const { name } = this.wish;
    const { identity, wallMs, version } = this.#parts;
    const from = performance.now();
    let client: RelayClient;
    try {
      client = this.#spare ?? (await this.#open());
      this.#spare = null;
    } catch (fault) {
      this.#again(fault, performance.now() - from);
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
            this.#rttUs = Math.round((performance.now() - this.#saidMs) * 1_000);
            return this.#answered();
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
        // Said with it, they hold from the first moment; what changed until the answer, and what was too many, is said then.
        const doors = create(DoorsSchema, this.#parts.doors());
        const first = toBinary(DoorsSchema, doors).length <= FIRST_DOORS_BYTES ? { doors } : {};
        const stalled = this.#isStalled;
        this.#say({ case: "register", value: { pass, name, token, version, protocol: RELAY_PROTOCOL, stalled, ...first } });
      }, over);
    });
  }

  #registered(registered: Registered): void {
    this.#pace.stood();
    this.#isStalled = false;
    this.#group = registered.group;
    this.#rttUs = 0;
    this.#become({ name: "connected", registered });
    this.#parts.log(`relay ${this.wish.url}: registered as ${registered.name} of ${registered.fleet}`);
    this.tellDoors();
    this.#tellHeads(registered);
    this.#answered();
  }

  /** The relay is shown what the chain is at the head that it has kept, and keeps those that come. What it says it kept is looked at if we signed it. */
  #tellHeads({ witnessed }: Registered): void {
    const { witness } = this.#parts;
    const say = (heads: readonly SignedHead[], proof?: Init<HeadProof>): void =>
      this.#say({ case: "heads", value: { heads: heads.map(headOnWire), ...(proof ? { proof } : {}) } });
    const kept = headFrom(witnessed);
    let proof: Init<HeadProof> | undefined;
    try {
      proof = kept ? witness.present(kept, this.wish.url) : undefined;
    } catch (fault) {
      this.#complain(`it shows a head that is not ours: ${shown(String(fault))}`);
    }
    const head = witness.current();
    say(head ? [head] : [], proof);
    this.#stopHeads();
    this.#stopHeads = witness.onHead((later) => say([later]));
  }
  #stopHeads: () => void = () => {};

  async #open(): Promise<RelayClient> {
    const { ca } = this.wish;
    const from = performance.now();
    const client = await RelayClient.open(this.#address, ca === "" ? {} : { ca });
    this.#doubtMs = Math.min(DOUBT_MS.most, Math.max(DOUBT_MS.least, performance.now() - from));
    return client;
  }

  /** U2. The next beat is due so long after this, and sooner where somebody comes: not so long after whoever came last. */
  #answered(): void {
    this.#answeredMs = performance.now();
    this.#beat();
  }

  #beat(): void {
    if (this.#state.name !== "connected") return;
    const beatMs = Math.min(Math.max(this.#state.registered.beatMs, BEAT_MS.least), BEAT_MS.most);
    const everyMs = this.#links.size > 0 ? Math.min(BUSY_BEAT_MS, beatMs) : beatMs;
    this.#settle();
    this.#timer = setTimeout(
      () => {
        const asked = (this.#asked = {});
        this.#saidMs = performance.now();
        this.#say({ case: "beat", value: {} });
        this.#doubt = setTimeout(() => void this.#dialBeside(asked), this.#doubtMs);
        this.#timer = setTimeout(
          () => this.#stalled(new HoldError("unreachable", "the relay has not said a word for three beats")),
          SILENT_BEATS * beatMs,
        );
      },
      Math.max(0, this.#answeredMs + everyMs - performance.now()),
    );
  }

  /** Nothing is waited for and nothing doubted. */
  #settle(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#doubt);
    this.#asked = null;
  }

  /** U2. For as long as that beat is not answered. */
  async #dialBeside(asked: object): Promise<void> {
    const isStill = (): boolean => this.#asked === asked;
    const pace = new Pace();
    while (isStill()) {
      const from = performance.now();
      try {
        const fresh = await this.#open();
        if (!isStill()) return fresh.close();
        this.#spare = fresh;
        return this.#stalled(new HoldError("unreachable", "the connection to the relay stood still, and another one does not"));
      } catch (fault) {
        const ms = pace.failed(fault, performance.now() - from, Math.random());
        await new Promise((resolve) => {
          this.#doubt = setTimeout(resolve, ms);
        });
      }
    }
  }

  /** What was on the connection is over with it. */
  #stalled(why: HoldError): void {
    this.#isStalled = true;
    for (const link of [...this.#links]) link.destroy();
    this.#again(why);
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
      this.#links.add(link);
      if (!this.#asked) this.#beat();
      return {
        get maxFrameBytes() {
          return handlers.maxFrameBytes ?? limits.frameBytes;
        },
        frame: (channel, message) => handlers.frame(channel, message),
        drained: () => handlers.drained?.(),
        closed: (reason) => {
          this.#tunnels--;
          this.#links.delete(link);
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

  /** The line is over, or there was none: an attempt that took so long failed. */
  #again(fault: unknown, tookMs = 0): void {
    if (this.#state.name === "over") return;
    this.#hangUp();
    this.#settle();
    const why = shown(fault instanceof Error ? fault.message : String(fault));
    if (fault instanceof HoldError && fault.code === "fenced" && this.#group !== "") return this.#standBy();
    const isRefused = fault instanceof HoldError && !["unreachable", "draining", "timed_out", "internal"].includes(fault.code);
    if (this.#state.name === "connected" || (isRefused && this.#state.name !== "refused"))
      this.#parts.log(`relay ${this.wish.url}: ${why}`);
    this.#become(isRefused ? { name: "refused", why } : { name: "connecting", why });
    const ms = isRefused ? REFUSED_MS : this.#spare ? 0 : this.#pace.failed(fault, tookMs, Math.random());
    this.#timer = setTimeout(() => this.start(), ms);
  }

  /** U6. The other line may be of another host process with this one's key, of which nothing is known here: then it is asked again, seldom. */
  #standBy(): void {
    this.#become({ name: "standby", why: "the host's line is at another relay of this group" });
    this.#timer = setTimeout(() => (this.#parts.isServed(this.#group) ? this.#standBy() : this.#stepIn()), REFUSED_MS);
  }

  /** Tunnels are calls of the client: an orderly end waits for them. */
  #hangUp(): void {
    const line = this.#line;
    this.#line = null;
    this.#stopHeads();
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
    return body.case !== "registered" || isSound(body.value) ? body : null;
  } catch {
    return null;
  }
}

/** U5. */
function isSound({ name, fleet, group, page }: Registered): boolean {
  return NAME.test(name) && NAME.test(fleet) && group.length <= 64 && (page === "" || isOrigin(page));
}

function isOrigin(text: string): boolean {
  return text.length <= 300 && /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** U5. */
function shown(text: string): string {
  return text.slice(0, 500).replaceAll(/\p{C}/gu, "\u{fffd}");
}
