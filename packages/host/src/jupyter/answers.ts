/** Answers as Jupyter's clients want them: JSON always, errors as `{message, reason}`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type HoldError, httpStatusOf } from "@holdfast/protocol";
import { plainHeaders, readBody } from "../http/exchange.ts";

/** A status of its own, where the code's is not what a client of Jupyter makes something of. */
export class JupyterError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const absent = (what: string): JupyterError => new JupyterError(404, `there is no ${what}`);

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** `value`: undefined for none, with 204. */
export function answer(
  response: ServerResponse,
  status: number,
  value?: Json,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const body = value === undefined ? "" : `${JSON.stringify(value)}\n`;
  response
    .writeHead(status, {
      ...plainHeaders,
      ...(body === "" ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
      ...(response.req.complete || response.req.method === "GET" ? {} : { Connection: "close" }),
      ...headers,
    })
    .end(body);
}

export function answerFault(response: ServerResponse, fault: JupyterError | HoldError): void {
  answer(response, statusOf(fault), toldOf(fault));
}

/** On a connection that is no request's any more. */
export function refuseUpgrade(socket: Duplex, fault: JupyterError | HoldError): void {
  if (!socket.writable) return void socket.destroy();
  const body = `${JSON.stringify(toldOf(fault))}\n`;
  const head = [
    `HTTP/1.1 ${statusOf(fault)} Refused`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}

/** Who is not known is refused as who may not: a client that is asked for a password has none. */
function statusOf(fault: JupyterError | HoldError): number {
  if (fault instanceof JupyterError) return fault.status;
  const status = httpStatusOf(fault.code);
  return status === 401 ? 403 : status;
}

function toldOf(fault: JupyterError | HoldError): Json {
  return fault instanceof JupyterError
    ? { message: fault.message, reason: null }
    : { message: `[${fault.code}] ${fault.message}`, reason: fault.message };
}

/** The JSON object that a body is; no body is an empty one. Whatever type it says it has: clients of Jupyter say none. */
export async function bodyOf(request: IncomingMessage, maxBytes?: number): Promise<Readonly<Record<string, unknown>>> {
  const body = await readBody(request, maxBytes);
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    throw new JupyterError(400, "the body is no JSON");
  }
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new JupyterError(400, "the body is a JSON object");
  return value as Record<string, unknown>;
}

export function textIn(body: Readonly<Record<string, unknown>>, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) return "";
  if (typeof value !== "string" || value.length > 4_096) throw new JupyterError(400, `${name} is a text`);
  return value;
}
