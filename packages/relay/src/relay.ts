/**
 * A relay: hosts dial it, operators dial it, and it introduces them. It passes on pieces that it can't read, and keeps nothing of what passes.
 *
 *   R1  A key is believed by its signature (pass.ts), a host is let in by the book (book.ts), an operator by the host that it asks for (lines.ts).
 *   R2  Before that, a call has 5 s and one message; of one address there are so many at once (strangers.ts).
 *   R3  A line without a word for three beats is over.
 *   R4  Who stops drains: it takes nobody any more, tells its hosts to dial again, and lets what is under way arrive.
 *   R5  Who has just started knows nobody yet: who knocks in its first moments waits for a host that may be dialling.
 * Elsewhere: what becomes of a tunnel (tunnels.ts).
 */
import { setTimeout as delay } from "node:timers/promises";
import { type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import {
  create,
  type Doors,
  FindRequestSchema,
  type FindResponse,
  FindResponseSchema,
  fromBinary,
  headOnWire,
  HeadsRequestSchema,
  HeadsResponseSchema,
  HoldError,
  type HostWord,
  HostWordSchema,
  type Init,
  type Knock,
  type Piece,
  PieceSchema,
  RegisteredSchema,
  type RelayWord,
  RelayWordSchema,
  toBinary,
} from "@holdfast/protocol";
import { hashOf, type RelayBook, revokedHost } from "./book.ts";
import { addressOf, type Call, type End, fail, hasLeft, told } from "./end.ts";
import { Alone, type Away, type Claim, type Crossing, type Group } from "./group.ts";
import type { Caller } from "./caller.ts";
import { fenced, type Line, Lines, notHere, several, type Tunnel } from "./lines.ts";
import { type HeadStore, MemoryHeadStore } from "./head-store.ts";
import { HeadTable, headsOnWire } from "./heads.ts";
import { PassReader } from "./pass.ts";
import { Quotas } from "./quotas.ts";
import { type Stranger, Strangers } from "./strangers.ts";
import { type Asked, Tunnels } from "./tunnels.ts";
import { LineWitness } from "./witness.ts";

export interface RelayParts {
  readonly book: RelayBook;
  /** Relays that share the book; without, it is alone. */
  readonly group?: Group | undefined;
  /** Default: as usual for all, and what is set is not written. */
  readonly quotas?: Quotas;
  /** Of the audience of a pass (identity.ts). */
  readonly isMe: (audience: string) => boolean;
  readonly wallMs: () => number;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
  /** R5. Default 0. */
  readonly gatherMs?: number;
  /** Told how long it took until a call's other end was known. */
  readonly met?: (ms: number) => void;
  /** Where heads of hosts' chains are kept. Default: in memory. */
  readonly heads?: HeadStore;
  /** Told to hosts. Default: nothing is. */
  readonly version?: string;
}

/** R3. */
export const BEAT_MS = 5_000;
const SILENT_BEATS = 3;
const DRAIN_LOOK_MS = 25;
/** How often the group is asked for a host that somebody waits for. */
const GROUP_LOOK_MS = 500;

export class Relay {
  readonly book: RelayBook;
  readonly group: Group;
  readonly lines: Lines<End>;
  readonly heads: HeadTable;
  readonly quotas: Quotas;
  readonly #passes: PassReader;
  readonly #log: RelayParts["log"];
  readonly #wallMs: () => number;
  readonly #version: string;
  readonly #gatheredAt: number;
  #isDraining = false;
  /** Where it serves the console, for hosts to tell; empty: it does not. */
  page = "";
  readonly #strangers: Strangers;
  readonly tunnels: Tunnels;
  /** By code. */
  readonly refused = new Map<string, number>();

  constructor({
    book,
    group = new Alone(),
    quotas = Quotas.open(null),
    isMe,
    wallMs,
    log,
    gatherMs = 0,
    met = () => {},
    heads = new MemoryHeadStore(),
    version = "",
  }: RelayParts) {
    this.book = book;
    this.group = group;
    this.quotas = quotas;
    this.lines = new Lines(wallMs);
    this.tunnels = new Tunnels({ lines: this.lines, quotas, log });
    this.heads = new HeadTable({ store: heads, wallMs, log });
    this.#gatheredAt = performance.now() + gatherMs;
    this.#passes = new PassReader(isMe, wallMs);
    this.#log = log;
    this.#wallMs = wallMs;
    this.#version = version;
    this.#strangers = new Strangers(met);
    group.meet({
      lost: ({ host, fence }) => this.#lost(host, fence),
      arrive: (end, crossing) => this.#arrive(end, crossing),
      revoked: (kind, id) => void this.#putOut(kind, id),
    });
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get refusals(): number {
    return [...this.refused.values()].reduce((sum, n) => sum + n, 0);
  }

  /** R4. Resolves when all tunnels are over, or after `mostMs`. */
  async drain(mostMs: number): Promise<void> {
    this.#isDraining = true;
    this.#log("draining", { hosts: this.lines.online, tunnels: this.lines.tunnels });
    for (const { line } of [...this.lines.entries]) line.refuse(leaving());
    for (const [, tunnels] of [...this.lines.tunnelsByHost]) for (const tunnel of [...tunnels]) tunnel.end(leaving());
    this.tunnels.endCrossings(leaving());
    const over = AbortSignal.timeout(mostMs);
    while (this.lines.tunnels + this.tunnels.crossings > 0 && !over.aborted)
      await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS));
  }

  #refused(code: string): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }

  /** A host's line. */
  serve(call: Call): void {
    let line: Line | null = null;
    let witness: LineWitness | null = null;
    let leaveFleet = (): void => {};
    let heard = performance.now();
    const send = (body: NonNullable<Init<RelayWord>["body"]>): void =>
      void call.write(Buffer.from(toBinary(RelayWordSchema, create(RelayWordSchema, { body }))));
    const refuse = (why: unknown): void => {
      const { code, message, details } = told(why);
      if (!line) this.#refused(code);
      send({ case: "refused", value: { code, message, details } });
      call.end();
    };
    const over = (): void => {
      clearInterval(watch);
      witness?.over();
      leaveFleet();
      if (!line) return;
      this.lines.over(line);
      this.group.release(line.claim);
      this.#log("host_left", { host: line.host.id, name: line.host.name });
      line = null;
    };
    const watch = setInterval(() => {
      if (performance.now() - heard <= SILENT_BEATS * BEAT_MS) return;
      over();
      fail(call, new HoldError("timed_out", "the host has not said a word for three beats"));
    }, BEAT_MS);
    call.on("close", over);
    call.on("cancelled", over);
    call.on("error", over);
    call.on("end", () => call.end());
    const stranger = this.#isDraining ? refuse(leaving()) : this.#strangers.meet(call, refuse);
    if (!stranger) return;
    const register = async ({
      pass,
      name,
      token,
      version,
      doors,
      stalled,
    }: Extract<HostWord["body"], { case: "register" }>["value"]): Promise<void> => {
      const { keyId, publicKey } = await this.#passes.read(pass);
      stranger.known();
      const id = keyId.slice(0, 32);
      const asked = await this.heads.latest(id);
      const host = await this.book.register(id, { name, token }, this.#wallMs());
      // Before it is claimed: a line that has no room here is not taken from where it is.
      leaveFleet = this.quotas.host(host.fleet, id);
      let claim: Claim | undefined;
      try {
        claim = await this.group.claim({ host, version: version.slice(0, 64), from: addressOf(call) });
        if (doors) await this.group.doors(claim, doors);
        if (this.#isDraining) throw leaving();
        if (hasLeft(call)) throw new HoldError("cancelled", "the host has left");
        if (this.book.isRevokedHost(id)) throw revokedHost(host);
        const opened: Line = { host, claim, version: version.slice(0, 64), from: addressOf(call), send, refuse };
        this.lines.open(opened, stalled);
        line = opened;
      } catch (fault) {
        leaveFleet();
        if (claim) this.group.release(claim);
        throw fault;
      }
      stranger.letIn();
      const own = line.claim;
      const isReplaced = (): boolean => own.isLost || (this.lines.entry(id)?.line.claim ?? own) !== own;
      witness = new LineWitness(this.heads, { id, key: publicKey, asked, isReplaced }, (fault) =>
        this.#log("heads_not_kept", { host: id, why: String(fault) }),
      );
      if (doors) this.lines.setDoors(line, doors);
      const { name: called, fleet } = host;
      const witnessed = asked ? { witnessed: headOnWire(asked) } : {};
      const registered = create(RegisteredSchema, {
        name: called,
        fleet,
        beatMs: BEAT_MS,
        group: this.group.id,
        page: this.page,
        version: this.#version,
        ...witnessed,
      });
      send({ case: "registered", value: registered });
      this.#log("host_registered", { host: host.id, name: host.name, fleet, from: line.from });
    };
    let isRegistering = false;
    call.on("data", (bytes: Buffer) => {
      heard = performance.now();
      try {
        const { body } = fromBinary(HostWordSchema, bytes);
        if (!line) {
          if (isRegistering || body.case !== "register")
            throw new HoldError("bad_request", "a line begins with a host's registration");
          isRegistering = true;
          register(body.value).catch(refuse);
        } else if (body.case === "beat") send({ case: "beat", value: body.value });
        else if (body.case === "doors") this.#setDoors(line, body.value);
        else if (body.case === "heads") witness?.heard(body.value);
        else if (body.case === "decline") this.lines.decline(line, body.value.id, body.value.error);
      } catch (fault) {
        refuse(fault);
      }
    });
  }

  #setDoors(line: Line, doors: Doors): void {
    this.lines.setDoors(line, doors);
    // Where the group can't be told now, it is when it can be asked again.
    this.group.doors(line.claim, doors).catch(() => {});
  }

  /** The host has registered elsewhere. Its tunnels here go on. */
  #lost(host: string, fence: number): void {
    const line = this.lines.entry(host)?.line;
    if (!line || line.claim.fence !== fence) return;
    this.#log("host_moved", { host, name: line.host.name });
    this.lines.over(line);
    line.refuse(fenced(host));
  }

  /** A host comes to its door. */
  accept(call: End): void {
    const refuse = this.#refuser(call);
    const stranger = this.#isDraining ? refuse(leaving()) : this.#strangers.meet(call, refuse);
    if (!stranger) return;
    call.once("data", (bytes: Buffer) => {
      call.pause();
      stranger.known();
      try {
        const { body } = fromBinary(PieceSchema, bytes);
        if (body.case !== "take") throw new HoldError("bad_request", "a host says first which offer it takes");
        this.lines.take(body.value.offer, call);
        stranger.letIn();
      } catch (fault) {
        refuse(fault);
      }
    });
  }

  /** An operator knocks. */
  reach(call: End, carrier: "grpc" | "websocket" = "grpc"): void {
    const refuse = this.#refuser(call);
    const stranger = this.#isDraining ? refuse(leaving()) : this.#strangers.meet(call, refuse);
    if (!stranger) return;
    call.once("data", (bytes: Buffer) => {
      call.pause();
      const first = (): Piece["body"] => fromBinary(PieceSchema, bytes).body;
      this.#reached(call, first, { carrier, stranger }).catch(refuse);
    });
  }

  async #reached(
    call: End,
    first: () => Piece["body"],
    { carrier, stranger }: { readonly carrier: string; readonly stranger: Stranger },
  ): Promise<void> {
    const body = first();
    if (body.case === "find") {
      const value = await this.#found(body.value.pass, call.isMe);
      stranger.known();
      call.write(Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body: { case: "found", value } }))));
      return void call.end();
    }
    if (body.case !== "knock") throw new HoldError("bad_request", "an operator knocks first");
    const caller = await this.#callerOf(body.value, call.isMe);
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    call.once("cancelled", leave);
    call.once("close", leave);
    // An invitation that no host has told of is nobody's yet, and has no longer than other strangers.
    const comingMs = "keyId" in caller ? this.#gatheredAt - performance.now() : 0;
    if ("keyId" in caller) stranger.known();
    const found = await this.#find(caller, body.value.host, { gone: gone.signal, comingMs });
    call.removeListener("cancelled", leave);
    call.removeListener("close", leave);
    stranger.letIn();
    if (this.#isDraining) throw leaving();
    this.#checkKey(caller);
    if (hasLeft(call)) return;
    const asked: Asked = { caller, from: addressOf(call), carrier, plain: body.value.plain };
    if ("send" in found) return this.tunnels.introduce(call, found, asked);
    const crossing: Crossing = { ...asked, host: found.id, asked: body.value.host };
    const far = await this.group.cross(found, crossing);
    this.tunnels.cross(call, far, { ...crossing, to: found });
    if (this.#isDraining) this.tunnels.endCrossings(leaving());
  }

  /** D2, D5, wherever the host's line is. */
  async #find(
    caller: Caller,
    asked: string,
    { gone, comingMs }: { readonly gone: AbortSignal; readonly comingMs: number },
  ): Promise<Line | Away> {
    if (this.group.id === "") return this.lines.findSoon(caller, asked, { gone, comingMs });
    const enough = new AbortController();
    const soon = this.lines.findSoon(caller, asked, { gone: AbortSignal.any([gone, enough.signal]), comingMs });
    soon.catch(() => {});
    try {
      for (;;) {
        const away = await this.#findAway(caller, asked);
        if (away) return away;
        const here = await Promise.race([soon, delay(GROUP_LOOK_MS, null, { signal: enough.signal })]);
        if (here) return here;
      }
    } finally {
      enough.abort();
    }
  }

  /** Null: none at another relay is meant; throws `bad_request` for a name of several. */
  async #findAway(caller: Caller, asked: string): Promise<Away | null> {
    const here = this.lines.called(caller, asked);
    if (here[0]?.host.id === asked || !this.group.isWhole) return null;
    const elsewhere = await this.group.find(caller, asked).catch(() => []);
    const away = elsewhere.filter(({ id }) => !here.some(({ host }) => host.id === id));
    if (away.length + here.length > 1) throw several(asked, [...here.map(({ host }) => host), ...away]);
    return away[0] ?? null;
  }

  /** An operator comes by another relay, which knows who it is. */
  #arrive(end: End, { caller, host, asked, ...rest }: Crossing): void {
    const introduced = async (): Promise<void> => {
      if (this.#isDraining) throw leaving();
      this.#checkKey(caller);
      const line = this.lines.called(caller, host).find(({ host: { id } }) => id === host);
      if (!line) throw notHere(asked);
      await this.tunnels.introduce(end, line, { caller, ...rest });
    };
    introduced().catch(this.#refuser(end));
  }

  async #callerOf({ pass, invited }: Pick<Knock, "pass" | "invited">, isMe?: End["isMe"]): Promise<Caller> {
    if (pass === "" && invited.length === 32) return { knockHash: hashOf(invited) };
    const { keyId } = await this.#passes.read(pass, isMe);
    this.#checkKey({ keyId });
    return { keyId };
  }

  #checkKey(caller: Caller): void {
    if ("keyId" in caller && this.book.isRevokedKey(caller.keyId)) throw revokedKey();
  }

  /** The hosts that admit a key. */
  find(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
    const found = async (): Promise<Buffer> => {
      const { pass } = fromBinary(FindRequestSchema, call.request);
      return Buffer.from(toBinary(FindResponseSchema, await this.#found(pass)));
    };
    this.#answer(found(), answer);
  }

  /** What is kept of a host's chain, for whom it admits, and for itself: the holder of its key. */
  headsOf(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
    const read = async (): Promise<Buffer> => {
      const { pass, host } = fromBinary(HeadsRequestSchema, call.request);
      const caller = await this.#callerOf({ pass, invited: new Uint8Array(0) });
      const own = "keyId" in caller ? await this.book.host(caller.keyId.slice(0, 32)) : null;
      const isOwn = own !== null && !own.isRevoked && (own.id === host || own.name === host);
      const id = isOwn ? own.id : idOf(await this.#find(caller, host, { gone: AbortSignal.abort(), comingMs: 0 }));
      return Buffer.from(toBinary(HeadsResponseSchema, create(HeadsResponseSchema, headsOnWire(id, await this.heads.of(id)))));
    };
    this.#answer(read(), answer);
  }

  #answer(answered: Promise<Buffer>, answer: sendUnaryData<Buffer>): void {
    answered.then(
      (bytes) => answer(null, bytes),
      (fault: unknown) => {
        const { code, message } = told(fault);
        this.#refused(code);
        answer({ code: status.UNAUTHENTICATED, details: `[${code}] ${message}` });
      },
    );
  }

  async #found(pass: string, isMe?: End["isMe"]): Promise<FindResponse> {
    const caller = await this.#callerOf({ pass, invited: new Uint8Array(0) }, isMe);
    const here = this.lines.admitting(caller).map(({ host }) => host);
    const elsewhere = this.group.isWhole ? await this.group.admitting(caller).catch(() => []) : [];
    const away = elsewhere.filter(({ id }) => !here.some((host) => host.id === id));
    return create(FindResponseSchema, { hosts: [...here, ...away].map(({ id, name }) => ({ id, name, online: true })) });
  }

  /** What was revoked is out at once; `tunnels`: that lead to hosts of this relay. */
  async revoke(
    what: string,
    undo: boolean,
  ): Promise<{ readonly kind: "host" | "key"; readonly id: string; readonly tunnels: number }> {
    const { kind, id } = await this.book.revoke(what, undo);
    const tunnels = undo ? 0 : this.#putOut(kind, id);
    this.#log(undo ? "revocation_undone" : "revoked", { kind, id, tunnels });
    return { kind, id, tunnels };
  }

  /** How many tunnels were ended by it. */
  #putOut(kind: "host" | "key", id: string): number {
    const isOf = (host: string, { caller }: Tunnel): boolean =>
      kind === "host" ? host === id : "keyId" in caller && caller.keyId === id;
    const ended = [...this.lines.tunnelsByHost].flatMap(([host, tunnels]) => [...tunnels].filter((t) => isOf(host, t)));
    const why = kind === "host" ? notHere(id) : new HoldError("key_revoked", "this key was revoked at this relay");
    for (const tunnel of ended) tunnel.end(why);
    const line = kind === "host" ? this.lines.entry(id)?.line : undefined;
    if (line) {
      this.lines.over(line);
      this.group.release(line.claim);
      line.refuse(new HoldError("revoked", `host ${line.host.name} was revoked at this relay`, { host: id }));
    }
    if (kind === "host") this.lines.forget(id);
    return ended.length;
  }

  #refuser(call: End): (why: unknown) => void {
    return (why) => {
      const { code, message, details } = told(why);
      this.#refused(code);
      call.write(
        Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body: { case: "refused", value: { code, message, details } } }))),
      );
      call.end();
    };
  }
}

function idOf(found: Line | Away): string {
  return "send" in found ? found.host.id : found.id;
}

/** R4. */
function leaving(): HoldError {
  return new HoldError("draining", "this relay is being stopped; dial another, or this one when it is back");
}

function revokedKey(): HoldError {
  return new HoldError("key_revoked", "this key was revoked at this relay; who runs it may undo that");
}
