/** The stock clients, each as it comes: the libraries of both lines and the inspector's command line. Every tool is listed and can be called. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type World, world } from "../../../test/integration/world/world.ts";
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
      const pairs = Object.entries(args).map(([k, v]) => `${k}=${typeof v === "string" ? v : JSON.stringify(v)}`);
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

test.each<[string, (w: World) => Promise<Stock>]>([
  ["the v1 library", (w) => library(w, "v1")],
  ["the v2 library", (w) => library(w, "v2")],
  ["the inspector's command line", inspector],
])(
  "%s lists every tool and gets an answer of each",
  async (_, start) => {
    const w = await world();
    const client = await start(w);
    const facts = async (name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> => {
      const { isError, structuredContent } = await client.call(name, args);
      expect([name, isError ?? false, structuredContent?.["message"]]).toEqual([name, false, undefined]);
      called.add(name);
      return structuredContent!;
    };
    const called = new Set<string>();
    const names = (await client.list()).map((t) => t.name);

    const session = (await facts("session_open", { name: "work" }))["session"] as string;
    expect(await facts("run", { session, command: "echo from-a-tool; (exit 4)" })).toMatchObject({
      state: "finished",
      exit_code: 4,
    });
    expect(await facts("exec", { session, argv: ["sh", "-c", "exit 3"] })).toMatchObject({ state: "finished", exit_code: 3 });
    await facts("send_text", { session, text: "cat", submit: true });
    expect(await facts("wait", { session, until: ["input_needed"], timeout_seconds: 30 })).toMatchObject({
      fired: "input_needed",
    });
    await facts("send_keys", { session, keys: ["C-d"] });
    expect(await facts("wait", { session, quiet_ms: 200, timeout_seconds: 30 })).toHaveProperty("cursor");
    expect(JSON.stringify(await facts("screen", { session }))).toContain("from-a-tool");
    expect(JSON.stringify(await facts("log", { session, max_bytes: 4_096 }))).toContain("from-a-tool");
    expect((await facts("search", { session, text: "from-a-tool" }))["hits"]).not.toEqual([]);
    await facts("floor", { session, verb: "take" });
    await facts("signal", { session, signal: "CONT" });
    expect(await facts("session_get", { session })).toMatchObject({ name: "work" });
    expect((await facts("session_list"))["sessions"]).toHaveLength(1);
    expect(await facts("whoami")).toMatchObject({ kind: "ai", via: "mcp" });
    expect(await facts("session_kill", { session, grace_ms: 0 })).toMatchObject({ state: "finished" });
    expect([...called].toSorted()).toEqual(names.toSorted());

    const refused = await client.call("session_get", { session: "nowhere" });
    expect(refused).toMatchObject({ isError: true, structuredContent: { code: "no_such_session" } });
    expect(existsSync(join(w.env["HOME"]!, ".local", "state", "holdfast"))).toBe(false);
  },
  240_000,
);
