/** `hold mcp --listen`: MCP over HTTP, with the client libraries of both lines, and by hand. Each request acts as whoever signed its grant. */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from "@modelcontextprotocol/client";
import { Client as ClientV1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as TransportV1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { HostClient } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { record, world } from "../../../test/integration/world/world.ts";
import { serving } from "./serving.ts";

const clients = {
  v1: async (url: URL, grant: string) => {
    const client = new ClientV1({ name: "test-v1", version: "1" });
    const transport = new TransportV1(url, { requestInit: { headers: { Authorization: `Bearer ${grant}` } } });
    await client.connect(transport as never);
    return {
      tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: async (name: string, args: Record<string, unknown>) =>
        (await client.callTool({ name, arguments: args }, undefined, { timeout: 60_000 })) as Told,
      session: transport.sessionId,
      close: () => client.close(),
    };
  },
  v2: async (url: URL, grant: string) => {
    const client = new ClientV2({ name: "test-v2", version: "1" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
    const transport = new TransportV2(url, { requestInit: { headers: { Authorization: `Bearer ${grant}` } } });
    await client.connect(transport);
    return {
      tools: async () => (await client.listTools()).tools.map((tool) => tool.name),
      call: async (name: string, args: Record<string, unknown>) =>
        (await client.callTool({ name, arguments: args }, { timeout: 60_000 })) as Told,
      session: transport.sessionId,
      close: () => client.close(),
    };
  },
};
interface Told {
  // biome-ignore lint/suspicious/noExplicitAny: a result's facts are what the test is about
  readonly structuredContent: any;
  readonly isError?: boolean;
}

test.each(["v1", "v2"] as const)(
  "a client of %s opens a session, runs in it, and acts as the AI whose key signed its grant",
  async (line) => {
    const w = await world();
    const admin = await w.connect();
    const ai = await w.operator("robin", "ai");
    const url = await serving(w);
    const client = await clients[line](url, await ai.grant());
    w.atEnd(() => void client.close());
    expect(client.session).toBeUndefined();
    expect(await client.tools()).toEqual(expect.arrayContaining(["session_open", "run", "wait", "screen"]));
    const opened = await client.call("session_open", { name: "agents", command: ["bash", "--norc"] });
    const { session } = opened.structuredContent;
    const ran = await client.call("run", { session, command: "echo over-http" });
    expect(ran.structuredContent).toMatchObject({ exit_code: 0 });
    expect(JSON.stringify(ran.structuredContent.output)).toContain("over-http");
    const { events } = await record(admin, "agents");
    const inputs = events.filter((e) => e.body?.kind.case === "input");
    expect(new Set(inputs.map((e) => `${e.actor}/${e.via}`))).toEqual(new Set(["robin/mcp"]));
    const shown = await admin.show("agents");
    expect(shown.cwd).toBe(w.env["HOME"]);
    // Every request is looked at: the next one after a revocation is refused.
    await admin.operatorRevoke("robin");
    await expect(client.call("whoami", {})).rejects.toThrow(/revoked|403/);
  },
);

const body = (id: number, method: string, params: object = {}): string => JSON.stringify({ jsonrpc: "2.0", id, method, params });
const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
const ask = (url: URL, grant: string | null, text: string, more: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: { ...headers, ...(grant === null ? {} : { Authorization: `Bearer ${grant}` }), ...more },
    body: text,
  });

test("nobody is served without a grant of an AI for this host, by a session id, or from elsewhere", async () => {
  const w = await world();
  const other = await world();
  const ai = await w.operator("robin", "ai");
  const person = await w.operator("ana");
  const elsewhere = await other.operator("robin", "ai");
  const url = await serving(w);
  const status = async (grant: string | null, more: Record<string, string> = {}, at = url) => {
    const answered = await ask(at, grant, body(1, "tools/list"), more);
    const text = await answered.text();
    if (answered.status === 401) expect(text.length).toBeLessThan(200);
    return answered.status;
  };
  const good = await ai.grant();
  expect(await status(good)).toBe(200);
  expect(await status(null)).toBe(401);
  expect(await status("x.y.z")).toBe(401);
  expect(await status(await elsewhere.grant())).toBe(401);
  expect(await status(`${good.slice(0, -8)}AAAAAAAA`)).toBe(401);
  expect(await status(await person.grant())).toBe(403);
  expect(await status(null, { "Mcp-Session-Id": "guessed" })).toBe(401);
  expect(await status(good, { Origin: "http://evil.example" })).toBe(403);
  expect(await status(good, {}, new URL("/", url))).toBe(404);
  expect((await fetch(url)).status).toBe(401);
});

/** What `whoami` says to who bears this grant, in the era of 2025, which keeps nothing between requests here. */
async function whoami(url: URL, grant: string, id: number): Promise<string> {
  const answered = await ask(url, grant, body(id, "tools/call", { name: "whoami", arguments: {} }), {
    "MCP-Protocol-Version": "2025-06-18",
  });
  return answered.text();
}

test("clients that use the same request ids at once are told their own answers, and a grant narrows what tools may do", async () => {
  const w = await world();
  const admin = await w.connect();
  const ais: HostClient[] = [];
  for (const name of ["ada", "bob", "cyd"]) ais.push(await w.operator(name, "ai"));
  const url = await serving(w);
  const grants = await Promise.all(ais.map((ai) => ai.grant()));
  const told = await Promise.all(
    Array.from({ length: 30 }, async (_, i) => [i % 3, await whoami(url, grants[i % 3]!, 7)] as const),
  );
  for (const [i, text] of told) {
    expect(text).toContain(["ada", "bob", "cyd"][i]);
    for (const name of ["ada", "bob", "cyd"].filter((_, k) => k !== i)) expect(text).not.toContain(name);
  }
  await w.open(admin, { name: "seen", script: "echo here; cat" });
  const look = await clients.v2(url, await ais[0]!.grant({ capabilities: ["session.observe", "history.read"] }));
  w.atEnd(() => void look.close());
  expect((await look.call("screen", { session: "seen" })).isError ?? false).toBe(false);
  const typed = await look.call("send_text", { session: "seen", text: "no" });
  expect([typed.isError, JSON.stringify(typed.structuredContent)]).toEqual([true, expect.stringContaining("not_permitted")]);
});
