/**
 * `POST /v1/call/{verb}`: one call of the protocol, asked in JSON and answered in JSON. Every verb of the schema has it, under the rights table
 * that links have.
 *
 *   C1  A verb that answers once is answered with that message. One that answers in parts is answered with lines of JSON as they come
 *       (application/x-ndjson); the last line has no `more`, and is the answer or an error.
 *   C2  A caller who goes gives up the call, as one whose link went. One who does not read is waited for, and no more is kept for them.
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonValue } from "@bufbuild/protobuf";
import { CONTROL_CHANNEL, HoldError, httpStatusOf, type Init, type Surroundings } from "@holdfast/protocol";
import { factsOf } from "../call/verbs.ts";
import { type Proven, VIAS } from "../link/handshake.ts";
import type { Asked } from "../listen/listener.ts";
import { answerError, answerJson, errorJson, plainHeaders, readJson } from "./exchange.ts";
import { errorFrom, InProcessLink, type Meet } from "./in-process.ts";
import { frameFrom, jsonOf } from "./transcode.ts";

type Fields = { readonly [name: string]: JsonValue };

export interface Calls {
  readonly meet: Meet;
  /** What is inherited by a session that nobody says more about. */
  surroundings(): Init<Surroundings> | undefined;
}

export async function answerCallOf(
  { meet, surroundings }: Calls,
  request: IncomingMessage,
  response: ServerResponse,
  asked: Asked,
): Promise<void> {
  const verb = asked.params["verb"]!;
  const facts = factsOf(verb);
  if (!facts) {
    const error = new HoldError("bad_request", `no verb ${JSON.stringify(verb.slice(0, 32))}; GET /v1/openapi.json lists them`);
    return answerError(response, error, 404);
  }
  const fields = withDefaults(verb, await readJson(request), surroundings());
  const frame = frameFrom({ call: { id: "1", [verb]: fields } });
  const answering = facts.streams ? new Lines(response) : new Single(response);
  const link = InProcessLink.open(meet, provenBy(asked, request), {
    frame(_channel, message) {
      // Whatever else is told on a link is for somebody who stays.
      const answer = jsonOf(message)["answer"] as Fields | undefined;
      if (!answer) return;
      const { id: _, more, ...result } = answer;
      answering.told(result, more === true);
    },
    over: (why) => answering.failed(why),
    buffered: () => response.writableLength,
  });
  response.on("drain", () => link.drained());
  response.once("close", () => link.leave());
  link.tell(CONTROL_CHANNEL, frame);
}

/** Who calls, and what they say of themselves. */
export function provenBy({ grant }: Asked, { headers }: IncomingMessage): Proven {
  const via = String(headers["holdfast-via"] ?? "");
  return {
    operator: grant.operator,
    provenKey: grant.keyId,
    isBearer: true,
    leftMs: grant.leftMs,
    via: VIAS.has(via) ? via : "sdk",
    client: (headers["user-agent"] ?? "").slice(0, 64),
  };
}

/** An answer that comes once. */
class Single {
  readonly #response: ServerResponse;
  constructor(response: ServerResponse) {
    this.#response = response;
  }

  told(result: Fields): void {
    if (result["error"] !== undefined) return this.failed(errorFrom(result["error"] as never));
    const [answer] = Object.values(result);
    answerJson(this.#response, "send" in result ? statusOfInput(answer as Fields) : 200, answer!);
  }

  failed(error: HoldError): void {
    answerError(this.#response, error);
  }
}

/** C1. What fails before the first part is an error as any other. */
class Lines {
  readonly #response: ServerResponse;
  constructor(response: ServerResponse) {
    this.#response = response;
  }

  told(result: Fields, more: boolean): void {
    if (result["error"] !== undefined) return this.failed(errorFrom(result["error"] as never));
    this.#line(more ? { more, ...result } : result);
    if (!more) this.#response.end();
  }

  failed(error: HoldError): void {
    if (!this.#response.headersSent) return answerError(this.#response, error);
    this.#line({ error: errorJson(error) });
    this.#response.end();
  }

  #line(value: Fields): void {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { "Content-Type": "application/x-ndjson", ...plainHeaders });
    response.write(`${JSON.stringify(value)}\n`);
  }
}

/** What was not applied is no success, though it is an answer. */
export function statusOfInput(result: Fields): number {
  if (result["status"] === "INPUT_STATUS_APPLIED") return 200;
  const { code } = (result["error"] ?? {}) as { code?: string };
  return code === undefined ? 409 : httpStatusOf(code);
}

/** What a client of another carrier fills in for its caller. */
function withDefaults(verb: string, fields: Fields, own: Init<Surroundings> | undefined): Fields {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  switch (verb) {
    case "open":
      return {
        env: (own?.env ?? []).map(base64),
        cwd: Buffer.from(own?.cwd ?? []).toString(),
        shell: own?.shell ?? "",
        umask: own?.umask ?? 0o022,
        ...fields,
      };
    case "exec":
      return { umask: own?.umask ?? 0o022, ...fields };
    case "run":
      return { writer: newWriter(), n: "1", ...fields };
    case "send": {
      const { input, ...rest } = fields;
      const isObject = input !== null && typeof input === "object" && !Array.isArray(input);
      return {
        writer: newWriter(),
        ...rest,
        ...(isObject ? { input: { n: "1", ...input } } : input === undefined ? {} : { input }),
      };
    }
    default:
      return fields;
  }
}

export function newWriter(): string {
  return randomBytes(12).toString("hex");
}
