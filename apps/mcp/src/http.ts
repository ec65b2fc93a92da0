/**
 * MCP over streamable HTTP, one request at a time: each has a server of its own, on a link to the host that the request's own grant has opened. So a
 * request can be told nothing of another's, whatever ids both use, and nothing is remembered that could stand in for a grant: a session id is
 * neither given nor looked at. Both eras of the protocol; what they keep between requests is in the host (server.ts S3).
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import type { HostClient } from "@holdfast/sdk";
import { createMcpHandler } from "@modelcontextprotocol/server";
import { HostWay } from "./link.ts";
import { makeServer } from "./server.ts";

/** As the host bounds a body. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface Answering {
  readonly version: string;
  /** A link to the host by the request's grant; the caller closes none. */
  readonly connect: () => Promise<HostClient>;
  readonly fault: (error: Error) => void;
}

export async function answer(
  { version, connect, fault }: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const way = new HostWay(connect);
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const handler = createMcpHandler(() => makeServer(way, version), { onerror: fault, maxRequestBodySize: MAX_BODY_BYTES });
  try {
    const answered = await handler.fetch(webRequest(request, gone.signal));
    response.writeHead(answered.status, { ...Object.fromEntries(answered.headers), "Cache-Control": "no-store" });
    if (answered.body) await pipeline(Readable.fromWeb(answered.body as ReadableStream), response);
    else response.end();
  } catch (error) {
    // Who asked is gone: the answer is nobody's.
    if (!gone.signal.aborted) throw error;
  } finally {
    await handler.close();
    way.close();
  }
}

/** Its headers but for the credential: no tool has use for it. */
function webRequest(request: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    if (name !== "authorization" && value !== undefined) headers.set(name, String(value));
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  return new Request(`http://localhost${request.url}`, {
    method: request.method ?? "GET",
    headers,
    signal,
    ...(hasBody ? { body: Readable.toWeb(request) as never, duplex: "half" as const } : {}),
  });
}
