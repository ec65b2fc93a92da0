/**
 * A relay: hosts dial it, operators dial it, and it introduces them. It passes on pieces that it can't read, and keeps nothing of what passes.
 *
 *   R1  A key is believed by its signature (pass.ts), a host is let in by the book (book.ts), an operator by the host that it asks for (lines.ts).
 *   R2  Before that, a call has 5 s and one message; of one address there are so many at once.
 *   R3  A tunnel holds back who sends faster than the other end reads, and no other tunnel.
 *   R4  When one end of a tunnel is over, so is the other, and what was sent before an orderly end arrives.
 *   R5  A line without a word for three beats is over.
 */
import { type sendUnaryData, type ServerDuplexStream, type ServerUnaryCall, type ServiceError, status } from "@grpc/grpc-js";
import {
  create,
  FindRequestSchema,
  FindResponseSchema,
  fromBinary,
  HoldError,
  type HostWord,
  HostWordSchema,
  type Init,
  type Knock,
  limits,
  type Piece,
  PieceSchema,
  RegisteredSchema,
  type RelayWord,
  RelayWordSchema,
  toBinary,
} from "@holdfast/protocol";
import { hashOf, type RelayBook } from "./book.ts";
import { type Caller, type Line, Lines, nameOf, notHere, type Tunnel } from "./lines.ts";
import { PassReader } from "./pass.ts";

export type Call = ServerDuplexStream<Buffer, Buffer>;

export interface RelayParts {
  readonly book: RelayBook;
  /** Of the audience of a pass (identity.ts). */
  readonly isMe: (audience: string) => boolean;
  readonly wallMs: () => number;
  readonly log: (event: string, facts: Readonly<Record<string, unknown>>) => void;
}

/** R5. */
export const BEAT_MS = 5_000;
const SILENT_BEATS = 3;
/** R2: of one address that is not this machine's. */
const STRANGERS_EACH = 64;

export class Relay {
  readonly book: RelayBook;
  readonly lines: Lines<Call>;
  readonly #passes: PassReader;
  readonly #log: RelayParts["log"];
  readonly #wallMs: () => number;
  readonly #strangers = new Map<string, number>();
  /** Bytes that were passed on, by direction. */
  readonly passed = { toHosts: 0, toOperators: 0 };
  refusals = 0;

  constructor({ book, isMe, wallMs, log }: RelayParts) {
    this.book = book;
    this.lines = new Lines(wallMs);
    this.#passes = new PassReader(isMe, wallMs);
    this.#log = log;
    this.#wallMs = wallMs;
  }

  /** A host's line. */
  serve(call: Call): void {
    let line: Line | null = null;
    let heard = performance.now();
    const send = (body: NonNullable<Init<RelayWord>["body"]>): void =>
      void call.write(Buffer.from(toBinary(RelayWordSchema, create(RelayWordSchema, { body }))));
    const refuse = (why: unknown): void => {
      const { code, message, details } = told(why);
      if (!line) this.refusals++;
      send({ case: "refused", value: { code, message, details } });
      call.end();
    };
    const over = (): void => {
      clearInterval(watch);
      if (!line) return;
      this.lines.over(line);
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
    const stranger = this.#stranger(call, refuse);
    if (!stranger) return;
    const register = async ({
      pass,
      name,
      token,
      version,
    }: Extract<HostWord["body"], { case: "register" }>["value"]): Promise<void> => {
      const { keyId } = await this.#passes.read(pass);
      const host = this.book.register(keyId.slice(0, 32), { name, token }, this.#wallMs());
      if (call.cancelled || call.destroyed) return;
      stranger.known();
      line = { host, version: version.slice(0, 64), from: addressOf(call), send, refuse };
      this.lines.open(line);
      send({ case: "registered", value: create(RegisteredSchema, { name: host.name, fleet: host.fleet, beatMs: BEAT_MS }) });
      this.#log("host_registered", { host: host.id, name: host.name, fleet: host.fleet, from: line.from });
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
        else if (body.case === "doors") this.lines.setDoors(line, body.value);
        else if (body.case === "decline") this.lines.decline(line, body.value.id, body.value.error);
      } catch (fault) {
        refuse(fault);
      }
    });
  }

  /** A host comes to its door. */
  accept(call: Call): void {
    const refuse = refuser(call);
    const stranger = this.#stranger(call, refuse);
    if (!stranger) return;
    call.once("data", (bytes: Buffer) => {
      call.pause();
      stranger.known();
      try {
        const { body } = fromBinary(PieceSchema, bytes);
        if (body.case !== "take") throw new HoldError("bad_request", "a host says first which offer it takes");
        this.lines.take(body.value.offer, call);
      } catch (fault) {
        refuse(fault);
      }
    });
  }

  /** An operator knocks. */
  reach(call: Call): void {
    const refuse = refuser(call);
    const stranger = this.#stranger(call, refuse);
    if (!stranger) return;
    call.once("data", (bytes: Buffer) => {
      call.pause();
      const first = (): Piece["body"] => fromBinary(PieceSchema, bytes).body;
      this.#reached(call, first, stranger.known).catch((fault: unknown) => {
        this.refusals++;
        refuse(fault);
      });
    });
  }

  async #reached(call: Call, first: () => Piece["body"], known: () => void): Promise<void> {
    const body = first();
    if (body.case !== "knock") throw new HoldError("bad_request", "an operator knocks first");
    const caller = await this.#callerOf(body.value);
    const line = this.lines.find(caller, body.value.host);
    known();
    // Who left while the pass was read is told of by no event any more.
    if (call.cancelled) return;
    const from = addressOf(call);
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    call.once("cancelled", leave);
    const tunnel: Tunnel = { caller, from, end: (why) => end(why) };
    let end = (_: HoldError): void => leave();
    const over = this.lines.begin(line, tunnel);
    call.once("close", over);
    call.once("cancelled", over);
    try {
      const host = await this.lines.offer(line, { from, carrier: "grpc", plain: body.value.plain, gone: gone.signal });
      call.removeListener("cancelled", leave);
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
      this.#pass(call, host, (bytes) => (this.passed.toHosts += bytes));
      this.#pass(host, call, (bytes) => (this.passed.toOperators += bytes));
    } catch (fault) {
      over();
      throw fault;
    }
  }

  async #callerOf({ pass, invited }: Pick<Knock, "pass" | "invited">): Promise<Caller> {
    if (pass === "" && invited.length === 32) return { knockHash: hashOf(invited) };
    const { keyId } = await this.#passes.read(pass);
    if (this.book.isRevokedKey(keyId))
      throw new HoldError("key_revoked", "this key was revoked at this relay; who runs it may undo that");
    return { keyId };
  }

  /** R3, R4. */
  #pass(from: Call, to: Call, count: (bytes: number) => void): void {
    from.on("data", (bytes: Buffer) => {
      count(bytes.length);
      if (!to.write(bytes)) from.pause();
    });
    to.on("drain", () => from.resume());
    from.on("end", () => to.end());
    const cut = (): void => fail(to, new HoldError("unreachable", "the other end of the tunnel is gone"));
    from.on("cancelled", cut);
    from.on("error", cut);
    from.resume();
  }

  /** The hosts that admit a key. */
  find(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>): void {
    const found = async (): Promise<Buffer> => {
      const { pass } = fromBinary(FindRequestSchema, call.request);
      const caller = await this.#callerOf({ pass, invited: new Uint8Array(0) });
      const hosts = this.lines.admitting(caller).map(({ host: { id, name } }) => ({ id, name, online: true }));
      return Buffer.from(toBinary(FindResponseSchema, create(FindResponseSchema, { hosts })));
    };
    found().then(
      (bytes) => answer(null, bytes),
      (fault: unknown) => {
        this.refusals++;
        const { code, message } = told(fault);
        answer({ code: status.UNAUTHENTICATED, details: `[${code}] ${message}` });
      },
    );
  }

  /** What was revoked is out at once. */
  revoke(what: string, undo: boolean): { readonly kind: "host" | "key"; readonly id: string; readonly tunnels: number } {
    const { kind, id } = this.book.revoke(what, undo);
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
      line.refuse(new HoldError("revoked", `host ${line.host.name} was revoked at this relay`, { host: id }));
    }
    return ended.length;
  }

  /** R2. Null: refused already. */
  #stranger(call: Call, refuse: (why: unknown) => void): { known(): void } | null {
    const from = addressOf(call);
    const n = this.#strangers.get(from) ?? 0;
    if (n >= STRANGERS_EACH && !isHere(from)) {
      refuse(new HoldError("too_many", `${n} calls from ${from} wait to say who they are`));
      return null;
    }
    this.#strangers.set(from, n + 1);
    const late = setTimeout(() => refuse(new HoldError("timed_out", "who you are was not said in time")), limits.handshakeMs);
    let isKnown = false;
    const known = (): void => {
      if (isKnown) return;
      isKnown = true;
      clearTimeout(late);
      const left = this.#strangers.get(from)! - 1;
      if (left === 0) this.#strangers.delete(from);
      else this.#strangers.set(from, left);
    };
    call.once("close", known);
    call.once("cancelled", known);
    call.once("error", known);
    return { known };
  }
}

function refuser(call: Call): (why: unknown) => void {
  return (why) => {
    const { code, message, details } = told(why);
    call.write(
      Buffer.from(toBinary(PieceSchema, create(PieceSchema, { body: { case: "refused", value: { code, message, details } } }))),
    );
    call.end();
  };
}

function told(fault: unknown): HoldError {
  return fault instanceof HoldError ? fault : new HoldError("internal", "the relay failed on that; its log tells more");
}

/** Ends a call that is under way, with why. */
function fail(call: Call, why: HoldError): void {
  if (call.destroyed || call.writableEnded) return;
  call.emit("error", { code: status.ABORTED, details: `[${why.code}] ${why.message}` } as ServiceError);
}

/** Without the port. */
function addressOf(call: Call): string {
  return call
    .getPeer()
    .replace(/:\d+$/, "")
    .replace(/^\[|\]$/g, "");
}

/** Whether an address is this machine's own: what is counted by source is not counted there, where all may be one proxy's. */
export function isHere(from: string): boolean {
  return from === "::1" || from.replace(/^::ffff:/, "").startsWith("127.");
}
