/** An agent host as a test holds it: the real client libraries of both lines, over the standard input and output of a real `hold mcp`. */
import { Client as ClientV2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as TransportV2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { World } from "../../../test/integration/world/world.ts";

export const hold = new URL("../../../bin/hold", import.meta.url).pathname;

export interface Output {
  readonly untrusted: boolean;
  readonly text: string;
  readonly truncated: boolean;
  readonly omitted_bytes: number;
  readonly omitted_lines: number;
  readonly omitted_cursor?: string;
  readonly from_offset: number;
  readonly to_offset: number;
}
// biome-ignore lint/suspicious/noExplicitAny: a result's facts are what the tests are about
export type Told = Record<string, any> & { readonly output: Output };

export interface Answer {
  readonly told: Told;
  readonly text: string;
  readonly isError: boolean;
  /** Media types of its pictures. */
  readonly pictures: readonly string[];
  /** As it was sent. */
  readonly bytes: number;
}

export interface Agent {
  readonly protocol: string;
  tools(): Promise<readonly { readonly name: string; readonly description?: string | undefined }[]>;
  call(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<Answer>;
  /** What it said to people. */
  said(): string;
  close(): Promise<void>;
}
export interface CallOptions {
  readonly onProgress?: (elapsed: number) => void;
  readonly signal?: AbortSignal;
}

interface Raw {
  readonly content?: unknown;
  readonly structuredContent?: unknown;
  readonly isError?: unknown;
}

function answerOf(raw: Raw): Answer {
  const content = raw.content as readonly { readonly type: string; readonly text: string; readonly mimeType?: string }[];
  return {
    told: (raw.structuredContent ?? {}) as Told,
    text: content[0]?.text ?? "",
    isError: raw.isError === true,
    pictures: content.flatMap(({ type, mimeType }) => (type === "image" && mimeType ? [mimeType] : [])),
    bytes: Buffer.byteLength(JSON.stringify({ content: raw.content, structuredContent: raw.structuredContent })),
  };
}

/** Each line of the library speaks its own era: v1 the protocol of 2025, v2 that of 2026. */
export async function agent(w: World, line: "v1" | "v2", args: readonly string[] = []): Promise<Agent> {
  const process = {
    command: hold,
    args: ["mcp", ...args],
    env: { ...w.env, SHELL: "/bin/bash" },
    cwd: w.files,
    stderr: "pipe" as const,
  };
  let said = "";
  const hear = (stream: NodeJS.ReadableStream | null): void => {
    stream?.on("data", (text) => {
      said += text;
    });
  };
  if (line === "v1") {
    const transport = new TransportV1(process);
    hear(transport.stderr as NodeJS.ReadableStream | null);
    const client = new ClientV1({ name: "test-v1", version: "1" });
    await client.connect(transport as never);
    w.atEnd(() => void client.close());
    return {
      protocol: "2025",
      tools: async () => (await client.listTools()).tools,
      call: async (name, given = {}, o = {}) =>
        answerOf(
          (await client.callTool({ name, arguments: given }, undefined, {
            timeout: 110_000,
            ...(o.onProgress ? { onprogress: (p) => o.onProgress?.(p.progress) } : {}),
            ...(o.signal ? { signal: o.signal } : {}),
          })) as Raw,
        ),
      said: () => said,
      close: () => client.close(),
    };
  }
  const transport = new TransportV2(process);
  hear(transport.stderr as NodeJS.ReadableStream | null);
  const client = new ClientV2({ name: "test-v2", version: "1" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  await client.connect(transport);
  w.atEnd(() => void client.close());
  return {
    protocol: "2026-07-28",
    tools: async () => (await client.listTools()).tools,
    call: async (name, given = {}, o = {}) =>
      answerOf(
        (await client.callTool(
          { name, arguments: given },
          {
            timeout: 110_000,
            ...(o.onProgress ? { onprogress: (p) => o.onProgress?.(p.progress) } : {}),
            ...(o.signal ? { signal: o.signal } : {}),
          },
        )) as Raw,
      ),
    said: () => said,
    close: () => client.close(),
  };
}
