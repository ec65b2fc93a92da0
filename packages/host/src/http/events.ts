/**
 * `GET /v1/sessions/{session}/events`: an attachment whose events are server-sent ones, and whose input, size and floor are requests beside it.
 *
 *   E1  `id` of an event is its seq, and of a snapshot the seq that it is as of: `Last-Event-ID` or `from` resumes strictly after it, as the
 *       cursor of any other carrier. What carries no `id` moves no cursor.
 *   E2  Credit is given for bytes that the socket has taken, so that a reader who does not read costs one window, whatever the program prints.
 *   E3  The attach token (256 bits, in the first event) is what requests beside the stream name it by. Only its hash is kept, in memory, for
 *       as long as the stream; it is of use to the stream's own operator alone, with a grant that may do what is asked.
 *   E4  The stream ends with the grant that it was opened by, and within a second of a revocation. A client comes back with the next grant.
 */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonValue } from "@bufbuild/protobuf";
import { CONTROL_CHANNEL, create, encodeClient, AttachSchema, type Attach, HoldError, type Init } from "@holdfast/protocol";
import type { Asked } from "../listen/listener.ts";
import { attachParameters, inputParameters } from "./described.ts";
import { newWriter, provenBy, statusOfInput } from "./calls.ts";
import { answerError, answerJson, errorJson, readBody, readJson, typeOf } from "./exchange.ts";
import { errorFrom, InProcessLink, type Meet } from "./in-process.ts";
import { frameFrom, jsonOf, outputText } from "./transcode.ts";
import { unanswered } from "./unanswered.ts";

type Fields = { readonly [name: string]: JsonValue };

/** The attachment's channel on its link: there is one. */
const CHANNEL = 1;
/** Of credit: as clients of other carriers tell it, well below the smallest window. */
const CREDIT_BYTES = 4 * 1024;
/** A comment, so that whoever stands between does not take a quiet stream for a dead one. */
const BEAT_MS = 15_000;
/** Looks at a stream in which something waits and of which the socket took nothing, before it is let go: two minutes. */
const STUCK_BEATS = 8;
/** How often in a row the kernel may have sent something again, unanswered, before its reader is taken for gone: 13 s at the least, by RFC 6298's doubling from 200 ms. */
const LOST_AFTER = 6;
/** How long a request of input waits for what becomes of it. It can ask again with the same `n`. */
const INPUT_MS = 30_000;
/** Requests of one stream that wait for an answer at once. */
const MAX_WAITING = 256;

type Wait = { readonly accepts: (answer: Fields) => boolean; readonly settle: (answer: Fields | HoldError) => void };

export interface Patience {
  readonly beatMs: number;
  readonly lostAfter: number;
}

export class EventStreams {
  readonly #meet: Meet;
  /** By the hash of their tokens. */
  readonly #streams = new Map<string, EventStream>();

  readonly #patience: Patience;

  /** `patience`: shorter in tests. */
  constructor(meet: Meet, patience: Patience = { beatMs: BEAT_MS, lostAfter: LOST_AFTER }) {
    this.#meet = meet;
    this.#patience = patience;
  }

  open(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
    const attach = readAttach(request, asked);
    const token = randomBytes(32).toString("base64url");
    const key = hashOf(token);
    const stream = new EventStream(this.#meet, response, { asked, attach, token });
    this.#streams.set(key, stream);
    stream.start(request, this.#patience, () => this.#streams.delete(key));
  }

  async input(request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
    const stream = this.#streamOf(request, asked);
    const input = typeOf(request) === "application/octet-stream" ? await rawInput(request, asked) : await readJson(request);
    const { n, durable } = { n: String(input["n"] ?? ""), durable: input["durable"] === true };
    if (!/^[1-9]\d{0,15}$/.test(n)) throw new HoldError("bad_request", "an input has its number `n`, from 1, without holes");
    const answer = await stream.ask({ input }, response, {
      name: "inputResult",
      accepts: (r) => r["n"] === n && isFinal(r, durable),
      withinMs: INPUT_MS,
    });
    if (answer === null)
      return answerJson(response, 202, {
        n,
        status: "INPUT_STATUS_UNSPECIFIED",
        error: {
          code: "input_blocked",
          message: "it waits, and the program does not read; ask again with the same n",
          details: {},
        },
      });
    answerJson(response, statusOfInput(answer), answer);
  }

  async floor(request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
    const stream = this.#streamOf(request, asked);
    const id = stream.nextFloor();
    const floor = { ...(await readJson(request)), id };
    const answer = await stream.ask({ floor }, response, { name: "floorAnswer", accepts: (r) => r["id"] === id });
    if (answer?.["error"] !== undefined) throw errorFrom(answer["error"] as never);
    answerJson(response, 200, answer?.["floor"] ?? {});
  }

  /** What becomes of it is told in the stream, where the output has the new size: nothing else is. */
  async resize(request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
    this.#streamOf(request, asked).tell({ resize: await readJson(request) });
    response.writeHead(202).end();
  }

  async detach(request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> {
    const stream = this.#streamOf(request, asked);
    await readBody(request, 1024);
    stream.tell({ detach: {} });
    response.writeHead(204).end();
  }

  /** E3. What a token does not fit and one that never was have one answer. */
  #streamOf({ headers }: IncomingMessage, { grant, params }: Asked): EventStream {
    const token = headers["holdfast-attach"];
    const stream = typeof token === "string" ? this.#streams.get(hashOf(token)) : undefined;
    if (!stream?.isFor(grant.operator.id, params["session"]!))
      throw new HoldError("not_permitted", "no stream of yours on that session has this attach token; Holdfast-Attach names one");
    stream.demand(grant.operator);
    return stream;
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** One stream: its attachment, its socket, and who waits beside it. */
class EventStream {
  readonly #meet: Meet;
  readonly #response: ServerResponse;
  readonly #asked: Asked;
  readonly #attach: Init<Attach>;
  readonly #token: string;
  readonly #waits = new Map<string, Set<Wait>>();
  /** None yet, where the host turns it away at once. */
  #link: InProcessLink | null = null;
  #sessionId = "";
  #usedBytes = 0;
  #toldBytes = 0;
  #takenWrites = 0;
  #floors = 0;
  #over = false;
  #stop: () => void = () => {};

  constructor(
    meet: Meet,
    response: ServerResponse,
    { asked, attach, token }: { asked: Asked; attach: Init<Attach>; token: string },
  ) {
    this.#meet = meet;
    this.#response = response;
    this.#asked = asked;
    this.#attach = attach;
    this.#token = token;
  }

  start(request: IncomingMessage, { beatMs, lostAfter }: Patience, gone: () => void): void {
    const response = this.#response;
    const beat = setInterval(() => {
      this.#beat();
      void unanswered(response.socket).then((times) => times >= lostAfter && response.destroy());
    }, beatMs);
    this.#stop = () => {
      clearInterval(beat);
      gone();
    };
    response.on("drain", () => this.#link?.drained());
    response.once("close", () => this.#finish());
    this.#link = InProcessLink.open(this.#meet, provenBy(this.#asked, request), {
      frame: (channel, message) => {
        if (channel !== CONTROL_CHANNEL) this.#frame(message);
      },
      over: (why) => this.#end(why.code, why),
      buffered: () => response.writableLength,
    });
    this.#link?.tell(CHANNEL, encodeClient({ case: "attach", value: create(AttachSchema, this.#attach) }));
  }

  isFor(operator: string, session: string): boolean {
    return operator === this.#asked.grant.operator.id && (session === this.#sessionId || session === this.#attach.session);
  }

  /** E3. Who bears a grant that leaves less than the stream's own does not steer by it. */
  demand({ narrowed }: Asked["grant"]["operator"]): void {
    if (!narrowed) return;
    const own = this.#asked.grant.operator.narrowed;
    const { session, capabilities } = narrowed;
    const isNarrower =
      (session !== null && session !== own?.session) ||
      (capabilities !== null && !(own?.capabilities?.every((right) => capabilities.includes(right)) ?? false));
    if (isNarrower) throw new HoldError("not_permitted", "this grant leaves less than the one that the stream was opened with");
  }

  nextFloor(): string {
    return String(++this.#floors);
  }

  /** A frame of the attachment's channel. */
  tell(body: Fields): void {
    this.#link?.tell(CHANNEL, frameFrom(body));
  }

  /** The same, and what is answered; null if that is not known within the time. */
  ask(
    body: Fields,
    asker: ServerResponse,
    { name, accepts, withinMs }: { name: string; accepts: Wait["accepts"]; withinMs?: number },
  ): Promise<Fields | null> {
    const frame = frameFrom(body);
    const waits = this.#waits.get(name) ?? new Set();
    this.#waits.set(name, waits);
    if (waits.size >= MAX_WAITING)
      throw new HoldError("too_many", `${MAX_WAITING} requests of this stream wait for an answer; wait for some of them`);
    return new Promise((resolve, reject) => {
      const late = withinMs === undefined ? undefined : setTimeout(() => settle(null), withinMs);
      const wait: Wait = { accepts, settle: (answer) => settle(answer) };
      const left = (): void => settle(new HoldError("cancelled", "the caller left"));
      const settle = (answer: Fields | HoldError | null): void => {
        waits.delete(wait);
        clearTimeout(late);
        asker.off("close", left);
        if (answer instanceof HoldError) reject(answer);
        else resolve(answer);
      };
      asker.once("close", left);
      waits.add(wait);
      this.#link?.tell(CHANNEL, frame);
    });
  }

  #frame(message: Uint8Array): void {
    const output = outputText(message);
    if (output) return this.#writeText("output", output.text, { id: String(output.seq), bytes: output.bytes, isAscii: true });
    const [[name, value]] = Object.entries(jsonOf(message)) as [[string, Fields]];
    switch (name) {
      case "attached":
        this.#sessionId = String((value["session"] as Fields)["id"]);
        this.#response.writeHead(200, eventStreamHeaders);
        return this.#write("attached", { token: this.#token, writer: this.#attach.writer!, ...value });
      case "snapshot":
        return this.#write("snapshot", value, { ...(value["last"] ? { id: value["seq"] } : {}), bytes: lengthOf(value["vt"]) });
      case "event":
        return this.#write(kindOf(value), value, { id: value["seq"], bytes: lengthOf(value["data"]) });
      case "detached": {
        const error = value["error"] as Fields | undefined;
        return this.#end(String(value["reason"]), error ? errorFrom(error as never) : undefined);
      }
      case "floorAnswer":
        return this.#settle(name, value);
      case "inputResult":
        this.#settle(name, value);
        return this.#write("input", value);
      case "floor":
      case "presence":
        return this.#write(name, value);
    }
  }

  #settle(name: string, answer: Fields): void {
    for (const wait of [...(this.#waits.get(name) ?? [])]) if (wait.accepts(answer)) wait.settle(answer);
  }

  #write(event: string, data: Fields, facts: { id?: JsonValue | undefined; bytes?: number } = {}): void {
    this.#writeText(event, JSON.stringify(data), facts);
  }

  /** E1, E2. */
  #writeText(
    event: string,
    data: string,
    { id, bytes = 0, isAscii = false }: { id?: JsonValue | undefined; bytes?: number; isAscii?: boolean },
  ): void {
    if (this.#over) return;
    const text = `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
    // What is known to be ASCII waits in a string that is half as large.
    this.#response.write(text, isAscii ? "latin1" : "utf8", () => this.#taken(bytes));
  }

  #taken(bytes: number): void {
    this.#takenWrites++;
    this.#usedBytes += bytes;
    if (this.#over || this.#usedBytes - this.#toldBytes < CREDIT_BYTES) return;
    this.#toldBytes = this.#usedBytes;
    this.#link?.tell(CHANNEL, encodeClient({ case: "credit", value: { bytes: BigInt(this.#usedBytes) } }));
  }

  #stuckSince = { writes: 0, beats: 0 };
  #beat(): void {
    const response = this.#response;
    if (response.writableLength === 0) {
      if (response.headersSent) response.write(":\n\n");
      return;
    }
    const isStuck = this.#takenWrites === this.#stuckSince.writes;
    this.#stuckSince = { writes: this.#takenWrites, beats: isStuck ? this.#stuckSince.beats + 1 : 0 };
    if (this.#stuckSince.beats >= STUCK_BEATS) response.destroy();
  }

  /** By the host: told, as an error of the request where the stream has not begun. */
  #end(reason: string, error?: HoldError): void {
    if (this.#over) return;
    const response = this.#response;
    if (!response.headersSent) answerError(response, error ?? new HoldError("internal", reason));
    else {
      this.#write("detached", { reason, ...(error ? { error: errorJson(error) } : {}) });
      response.end();
    }
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop();
    this.#link?.leave();
    const over = new HoldError(
      "unreachable",
      "the stream ended before this was answered; attach again with its writer, and send it again",
    );
    for (const waits of this.#waits.values()) for (const wait of [...waits]) wait.settle(over);
  }
}

export const eventStreamHeaders = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-store, no-transform",
  "X-Content-Type-Options": "nosniff",
  // nginx would keep it until there is a page of it.
  "X-Accel-Buffering": "no",
} as const;

/** `gap` is what has no bytes any more, whatever took them: a reader must be told of that. */
function kindOf(event: Fields): "gap" | "event" {
  return (event["body"] as Fields | undefined)?.["gap"] !== undefined || event["payload"] !== "" ? "gap" : "event";
}

/** Of base64. */
function lengthOf(text: JsonValue | undefined): number {
  return typeof text === "string" ? Buffer.byteLength(text, "base64") : 0;
}

function isFinal(result: Fields, durable: boolean): boolean {
  const { status, error } = result;
  if (status === "INPUT_STATUS_UNSPECIFIED") return false;
  return !(durable && status === "INPUT_STATUS_APPLIED" && result["durable"] !== true && error === undefined);
}

// --- what is asked in an address ---

function readAttach({ headers }: IncomingMessage, { params, query }: Asked): Init<Attach> {
  checkNames(query, Object.keys(attachParameters));
  const last = headers["last-event-id"];
  const from = numberOf("from", typeof last === "string" && last !== "" ? last : query.get("from"));
  const replay = isSet(query, "replay");
  const [, cols, rows] = /^(\d{1,4})x(\d{1,4})$/.exec(query.get("size") ?? "") ?? [];
  if (query.has("size") && cols === undefined) throw new HoldError("bad_request", "a size is columns and rows: size=80x24");
  return {
    session: params["session"]!,
    observe: isSet(query, "observe"),
    take: isSet(query, "take"),
    quiet: isSet(query, "quiet"),
    noOutput: isSet(query, "no_output"),
    replay,
    writer: query.get("writer") ?? newWriter(),
    scrollback: numberOf("scrollback", query.get("scrollback")) ?? 0,
    ...(cols === undefined ? {} : { size: { cols: Number(cols), rows: Number(rows) } }),
    ...(from === null ? { fromStart: replay } : { cursor: BigInt(from) }),
  };
}

/** The bytes are the body, and the rest of the frame stands in the address. */
async function rawInput(request: IncomingMessage, { query }: Asked): Promise<Fields> {
  checkNames(query, Object.keys(inputParameters));
  const data = (await readBody(request)).toString("base64");
  return {
    n: query.get("n") ?? "",
    data,
    unit: query.get("unit") ?? "",
    unitEnd: isSet(query, "unit_end"),
    interrupt: isSet(query, "interrupt"),
    eof: isSet(query, "eof"),
    take: isSet(query, "take"),
    durable: isSet(query, "durable"),
  };
}

function checkNames(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys())
    if (!known.includes(name))
      throw new HoldError("bad_request", `there is no ${JSON.stringify(name.slice(0, 32))} here; there is: ${known.join(", ")}`);
}

function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null || value === "0" || value === "false") return false;
  if (value === "" || value === "1" || value === "true") return true;
  throw new HoldError("bad_request", `${name} is 1 or 0`);
}

function numberOf(name: string, value: string | null): number | null {
  if (value === null) return null;
  if (!/^\d{1,15}$/.test(value)) throw new HoldError("bad_request", `${name} is a number from 0`);
  return Number(value);
}
