/** The stock clients, each as it comes: the libraries of both lines and the inspector's command line. Every tool is listed and can be called. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Approval } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { soak, type World, world } from "../../../test/integration/world/world.ts";
import { agent, hold } from "./agent.ts";

interface Answer {
  readonly isError?: boolean;
  readonly structuredContent?: Record<string, unknown>;
}
/** What any client can do: list the tools, and call one. */
interface Stock {
  readonly list: () => Promise<readonly { readonly name: string }[]>;
  readonly call: (name: string, args: Record<string, unknown>) => Promise<Answer>;
}

/** A process for each request, as in a shell; what it writes goes below the world's home, never into that of who runs the tests. */
async function inspector(w: World): Promise<Stock> {
  const folder = dirname(createRequire(import.meta.url).resolve("@modelcontextprotocol/inspector/package.json"));
  const ask = (...more: string[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const env = [
        "-e",
        `HOLDFAST_HOME=${String(w.env["HOLDFAST_HOME"])}`,
        "-e",
        `HOLDFAST_WORLD=${w.place}`,
        "-e",
        "SHELL=/bin/bash",
      ];
      execFile(
        process.execPath,
        [join(folder, "clients/launcher/build/index.js"), "--cli", hold, "mcp", ...env, ...more],
        { env: w.env, cwd: w.files, maxBuffer: 2 ** 26 },
        (fault, out, err) => {
          // A tool's own refusal ends it with a code too: what counts is the answer.
          try {
            resolve(JSON.parse(out));
          } catch {
            reject(new Error(`${fault?.message ?? ""} ${err} ${out}`));
          }
        },
      );
    });
  return {
    list: async () => ((await ask("--method", "tools/list")) as { tools: { name: string }[] }).tools,
    call: async (name, args) => {
      // A value that reads as JSON is taken for that: a text of digits must be one that says it is a text.
      const pairs = Object.entries(args).map(([k, v]) => `${k}=${JSON.stringify(v)}`);
      const given = pairs.flatMap((pair) => ["--tool-arg", pair]);
      return (await ask("--method", "tools/call", "--tool-name", name, ...given)) as Answer;
    },
  };
}

async function library(w: World, line: "v1" | "v2"): Promise<Stock> {
  const client = await agent(w, line);
  return {
    list: () => client.tools(),
    call: async (name, args) => {
      const { isError, told } = await client.call(name, args);
      return { isError, structuredContent: told };
    },
  };
}

/** Calls a tool that must not refuse. */
async function facts(client: Stock, name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const { isError, structuredContent } = await client.call(name, args);
  expect([name, isError ?? false, structuredContent?.["message"]]).toEqual([name, false, undefined]);
  return structuredContent!;
}

async function useEveryTool(w: World, client: Stock): Promise<void> {
  const person = await w.connect();
  const asked = (): Promise<Approval> => fact("a person is asked", async () => (await person.approvals.list())[0] ?? null);
  const called = new Set<string>();
  const of = (name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
    called.add(name);
    return facts(client, name, args);
  };
  const session = (await of("session_open", { name: "work" }))["session"] as string;
  expect(await of("run", { session, command: "echo from-a-tool; (exit 4)" })).toMatchObject({ state: "finished", exit_code: 4 });
  expect(await of("exec", { session, argv: ["sh", "-c", "exit 3"] })).toMatchObject({ state: "finished", exit_code: 3 });
  await of("send_text", { session, text: "cat", submit: true });
  expect(await of("wait", { session, until: ["input_needed"], timeout_seconds: 30 })).toMatchObject({ fired: "input_needed" });
  await of("send_keys", { session, keys: ["C-d"] });
  expect(JSON.stringify(await of("screen", { session }))).toContain("from-a-tool");
  expect(JSON.stringify(await of("log", { session, max_bytes: 4_096 }))).toContain("from-a-tool");
  expect((await of("search", { session, text: "from-a-tool" }))["hits"]).not.toEqual([]);
  const written = await of("file_write", { session, path: "note", text: "kept\n" });
  expect(await of("file_read", { session, path: "note" })).toMatchObject({ sha256: written["sha256"] });
  expect(JSON.stringify(await of("file_list", { session }))).toContain("note");
  const question = of("ask_operator", { session, question: "Go on?" });
  await person.approvals.answer(await asked(), "yes");
  expect(await question).toMatchObject({ answer: "yes" });
  await of("run", { session, command: "read -rs P", wait_seconds: 40 });
  const secret = of("send_secret", { session, secret: "any" });
  await person.approvals.give(await asked(), Buffer.from("hunter2"));
  expect(await secret).toMatchObject({ outcome: "given" });
  await of("floor", { session, verb: "take" });
  await of("signal", { session, signal: "CONT" });
  expect(await of("session_get", { session })).toMatchObject({ name: "work" });
  expect((await of("session_list"))["sessions"]).toHaveLength(1);
  expect(await of("whoami")).toMatchObject({ kind: "ai", via: "mcp" });
  expect(await of("session_kill", { session, grace_ms: 0 })).toMatchObject({ state: "finished" });
  const kernel = (await of("session_open", { kind: "kernel", kernel: "python3" }))["session"] as string;
  expect(await of("kernel_execute", { session: kernel, code: "6 * 7" })).toMatchObject({
    outcome: "ok",
    output: { text: "42\n" },
  });
  await of("kernel_control", { session: kernel, verb: "restart" });
  expect([...called].toSorted()).toEqual((await client.list()).map((t) => t.name).toSorted());
}

test.each(["v1", "v2"] as const)("the %s library lists every tool and gets an answer of each", async (line) => {
  const w = await world();
  await useEveryTool(w, await library(w, line));
});

test(
  "the inspector's command line lists every tool, opens a session, works in it and is refused as everybody is",
  async () => {
    const w = await world();
    const client = await inspector(w);
    // It starts two processes for each request: every tool in a soak.
    if (soak) await useEveryTool(w, client);
    const known = await (await library(w, "v2")).list();
    expect((await client.list()).map((t) => t.name)).toEqual(known.map((t) => t.name));
    const session = (await facts(client, "session_open", { name: "another", command: ["sh", "-c", "echo from-a-tool; exit 3"] }))[
      "session"
    ] as string;
    expect(await facts(client, "wait", { session, until: ["exit"], cursor: "0", timeout_seconds: 40 })).toMatchObject({
      fired: "exit",
      exit_code: 3,
      output: { untrusted: true, text: "from-a-tool\n" },
    });
    const refused = await client.call("send_text", { session, text: "late", submit: true });
    expect(refused).toMatchObject({ isError: true, structuredContent: { code: "session_ended" } });
    expect(existsSync(join(w.env["HOME"]!, ".local", "state", "holdfast"))).toBe(false);
  },
  soak ? 600_000 : 120_000,
);
