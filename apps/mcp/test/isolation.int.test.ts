/** Many MCP clients with the same request ids against one host: each is answered with what is its own, and nothing else (T-69). */
import { spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import { serve, stdio } from "@holdfast/mcp";
import { expect, test } from "vitest";
import { fact } from "../../../test/integration/world/processes.ts";
import { soak, type World, world } from "../../../test/integration/world/world.ts";
import { hold } from "./agent.ts";
import { JsonRpcClient } from "./json-rpc.ts";
import { serving } from "./serving.ts";

const CLIENTS = 50;
const CALLS = Number(process.env["HOLDFAST_CALLS"] ?? (soak ? 100_000 : 800));
/** Of one client at the same time. */
const UNDER_WAY = 4;

/** Whoever can call a tool with a request id of its choice, and is given the whole answer. */
interface Caller {
  call(id: number, name: string, args: object): Promise<unknown>;
}

interface Own {
  readonly client: Caller;
  readonly session: string;
  readonly canary: string;
}

/** A session whose output nobody else has. */
async function own(w: World, client: Caller, n: number): Promise<Own> {
  const canary = `canary-${n}-${Math.random().toString(36).slice(2)}`;
  const opener = await w.connect();
  const { id } = await w.open(opener, { name: `of-${n}`, script: `echo ${canary}; exec sleep 100000` });
  await opener.wait(id, { match: canary, fromSeq: 0 });
  w.close(opener);
  return { client, session: id, canary };
}

const asks: readonly ((o: Own) => [tool: string, args: object])[] = [
  (o: Own) => ["log", { session: o.session }],
  (o: Own) => ["screen", { session: o.session }],
  (o: Own) => ["search", { session: o.session, text: "canary" }],
  (o: Own) => ["wait", { session: o.session, pattern: "canary", cursor: "0" }],
];

/** All at once, all with the ids 1, 2, 3 …; what each was told of others' canaries, and what it was told without its own. */
async function storm(
  all: readonly Own[],
  calls: number,
  underWay = UNDER_WAY,
): Promise<{ readonly others: string[]; readonly without: string[] }> {
  const without: string[] = [];
  const others: string[] = [];
  const each = Math.ceil(calls / all.length);
  await Promise.all(
    all.map(async (o) => {
      let next = 1;
      const one = async (): Promise<void> => {
        while (next <= each) {
          const id = next++;
          const [name, args] = asks[id % asks.length]!(o);
          const text = JSON.stringify(await o.client.call(id, name, args));
          const told = new Set(text.match(/canary-\d+-[a-z0-9]+/g));
          if (!told.has(o.canary)) without.push(`${o.canary} by ${name}: ${text.slice(0, 1_000)}`);
          for (const canary of told) if (canary !== o.canary) others.push(`${o.canary} was told ${canary} by ${name}`);
        }
      };
      await Promise.all(Array.from({ length: underWay }, one));
    }),
  );
  return { others, without };
}

test(
  `${CLIENTS} clients of one server with the same ids: ${CALLS} calls, none answered with another's`,
  async () => {
    const w = await world();
    await w.operator("bot", "ai");
    const stop = new AbortController();
    const clients: JsonRpcClient[] = [];
    // One way to the host for all of them: what would mix them up, if anything did.
    const served = serve({ version: "test", connect: () => w.connect("bot"), fault: () => {} }, async (factory, fault) => {
      await Promise.all(
        Array.from({ length: CLIENTS }, () => {
          const [input, output] = [new PassThrough(), new PassThrough()];
          clients.push(new JsonRpcClient(output, input));
          return stdio(input, output, stop.signal)(factory, fault);
        }),
      );
    });
    await fact("all are served", () => clients.length === CLIENTS);
    for (const client of clients) await client.begin();
    const all: Own[] = [];
    for (const [n, client] of clients.entries()) all.push(await own(w, client, n));
    expect(await storm(all, CALLS)).toEqual({ others: [], without: [] });
    expect(clients.flatMap((c) => c.strays)).toEqual([]);
    stop.abort();
    await served;
  },
  soak ? 3_600_000 : 120_000,
);

test(
  "so do clients with a `hold mcp` each, as operators of their own",
  async () => {
    const processes = soak ? CLIENTS : 5;
    const w = await world();
    const all: (Own & { readonly client: JsonRpcClient })[] = [];
    for (let n = 0; n < processes; n++) {
      await w.operator(`bot-${n}`, "ai");
      const child = spawn(hold, ["mcp", "--as", `bot-${n}`], { env: w.env, cwd: w.files, stdio: ["pipe", "pipe", "ignore"] });
      const client = new JsonRpcClient(child.stdout, child.stdin);
      await client.begin();
      all.push({ ...(await own(w, client, n)), client });
    }
    expect(await storm(all, CALLS / 10)).toEqual({ others: [], without: [] });
    for (const [n, { client }] of all.entries()) expect(JSON.stringify(await client.call(0, "whoami", {}))).toContain(`bot-${n}`);
  },
  soak ? 3_600_000 : 120_000,
);

test(
  "and so do clients of one `hold mcp --listen`, with a grant each",
  async () => {
    const w = await world();
    const url = await serving(w);
    const all: Own[] = [];
    for (let n = 0; n < CLIENTS; n++) {
      const ai = await w.operator(`bot-${n}`, "ai");
      // The longest that there are: a soak has to be done by then.
      const grant = await ai.grant({ ttlMs: 15 * 60_000 });
      w.close(ai);
      all.push(await own(w, httpCaller(url, grant), n));
    }
    // Of connections that have not said yet whose they are a listener takes 64. Each of them asks in each way.
    expect(await storm(all, Math.max(CALLS / 10, CLIENTS * asks.length), 1)).toEqual({ others: [], without: [] });
  },
  soak ? 3_600_000 : 120_000,
);

test("of two hundred waits that come to their end at once on one link, each reads its own, and none is refused for want of room", async () => {
  const w = await world();
  await w.operator("bot", "ai");
  const stop = new AbortController();
  const [input, output] = [new PassThrough(), new PassThrough()];
  const client = new JsonRpcClient(output, input);
  const served = serve({ version: "test", connect: () => w.connect("bot"), fault: () => {} }, stdio(input, output, stop.signal));
  await client.begin();
  const mine = await own(w, client, 0);
  const [wait] = asks.slice(-1);
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => client.call(n + 1, ...wait!(mine))));
  expect(answers.map((a) => JSON.stringify(a)).filter((text) => !text.includes(mine.canary))).toEqual([]);
  stop.abort();
  await served;
});

/** Stateless requests of the era of 2025, by hand. */
function httpCaller(url: URL, grant: string): Caller {
  const headers = {
    Authorization: `Bearer ${grant}`,
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "MCP-Protocol-Version": "2025-06-18",
  };
  return {
    call: async (id, name, args) => {
      const body = JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });
      return (await fetch(url, { method: "POST", headers, body })).text();
    },
  };
}
