/**
 * The AI's way in. {@link serve} runs until its transport ends; which one that is, is one argument, so that another (streamable HTTP)
 * needs another adapter and no other server.
 */
import type { Readable, Writable } from "node:stream";
import type { HostClient } from "@holdfast/sdk";
import { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { HostWay } from "./link.ts";
import { makeServer } from "./server.ts";

export { answer, type Answering } from "./http.ts";

export interface Serving {
  readonly version: string;
  /** A new link to the host, as the AI's operator. */
  readonly connect: () => Promise<HostClient>;
  /** What went wrong outside of any call. */
  readonly fault: (error: Error) => void;
}

/** Serves servers of one factory until it is over. */
export type Transport = (factory: () => ReturnType<typeof makeServer>, fault: (error: Error) => void) => Promise<void>;

export async function serve({ version, connect, fault }: Serving, transport: Transport): Promise<void> {
  const way = new HostWay(connect);
  try {
    await transport(() => makeServer(way, version), fault);
  } finally {
    way.close();
  }
}

/** Over two streams, in whichever era of the protocol the client opens; over when the input ends or `stop` is aborted. */
export function stdio(input: Readable, output: Writable, stop: AbortSignal): Transport {
  return async (factory, onerror) => {
    const over = new Promise<void>((resolve) => {
      input.once("end", resolve);
      input.once("close", resolve);
      output.once("error", () => resolve());
      if (stop.aborted) resolve();
      stop.addEventListener("abort", () => resolve(), { once: true });
    });
    const handle = serveStdio(factory, { transport: new StdioServerTransport(input, output), onerror });
    await over;
    await handle.close();
  };
}
