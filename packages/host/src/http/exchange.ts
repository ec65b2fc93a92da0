/**
 * One request and its answer: a body that is read whole and bounded, an answer or an error as JSON.
 *
 *   X1  A body is read when its sender is known, up to 1 MiB, and within the listener's time.
 *   X2  An error has one form everywhere: `{code, text, ids, advice}`, under the status that the one table of codes gives it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { adviceOf, HoldError, httpStatusOf, limits } from "@holdfast/protocol";
import type { JsonValue } from "@bufbuild/protobuf";

/** X2. */
export function errorJson(error: HoldError): { readonly [name: string]: JsonValue } {
  return { code: error.code, text: error.message, ids: { ...error.details }, advice: adviceOf(error.code) };
}

export const plainHeaders = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const;

export function answerJson(response: ServerResponse, status: number, value: JsonValue): void {
  if (response.headersSent || response.destroyed) return;
  const body = `${JSON.stringify(value)}\n`;
  response
    .writeHead(status, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
      ...plainHeaders,
      // What of the request has not been read would be taken for the next one.
      ...(response.req.complete ? {} : { Connection: "close" }),
    })
    .end(body);
}

export function answerError(response: ServerResponse, error: HoldError, status = httpStatusOf(error.code)): void {
  if (status === 401) response.setHeader("WWW-Authenticate", "Bearer");
  answerJson(response, status, errorJson(error));
}

/** X1. Rejects with `bad_request` for one that is too long, or is compressed. */
export async function readBody(request: IncomingMessage, maxBytes: number = limits.bodyBytes): Promise<Buffer> {
  if ((request.headers["content-encoding"] ?? "identity") !== "identity")
    throw new HoldError("bad_request", "a body that is compressed is not read");
  const tooLong = new HoldError("bad_request", `a body has at most ${maxBytes} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLong;
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > maxBytes) throw tooLong;
      parts.push(part);
    }
  } catch (cause) {
    throw cause === tooLong ? tooLong : new HoldError("cancelled", "the caller left in the middle of the body", {}, { cause });
  }
  return Buffer.concat(parts, bytes);
}

/** The type that the body says it has, without its parameters; empty: none is said. */
export function typeOf({ headers }: IncomingMessage): string {
  return (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
}

/** A JSON object; no body is an empty one. What is no JSON by its type is not read: a form of some page could send that. */
export async function readJson(request: IncomingMessage): Promise<{ readonly [name: string]: JsonValue }> {
  const type = typeOf(request);
  if (type !== "" && type !== "application/json")
    throw new HoldError("bad_request", `a body here is application/json, not ${type.slice(0, 64)}; with curl: --json '{…}'`);
  const body = await readBody(request);
  if (body.length === 0) return {};
  if (type === "") throw new HoldError("bad_request", "a body here is application/json, and says so; with curl: --json '{…}'");
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as JsonValue;
  } catch (cause) {
    throw new HoldError("bad_request", `the body is no JSON: ${(cause as Error).message.slice(0, 100)}`, {}, { cause });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw new HoldError("bad_request", "the body is a JSON object");
  return value;
}
