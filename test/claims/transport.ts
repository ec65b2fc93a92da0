/** Claim 3: a session is bound to no transport. Clients of every carrier have the same stream, and one goes on by another where it was. */
import { comesTrue, count, type Fact, hash, program, type Scenario, sinceBegin, sizes } from "./scenario.ts";
import { type Client, me, type System } from "./system/system.ts";

async function oneHash(system: System): Promise<readonly Fact[]> {
  const { argv, file } = program("print", sizes.streamBytes);
  const session = await system.open({ argv });
  await file.ready();
  const clients = await Promise.all(
    system.ways.map(async (way) => ({ way, client: await system.attach(session, { as: me, way }) })),
  );
  await clients[0]!.client.type("g");
  const hasEnd = ({ client }: { client: Client }): boolean => client.seen().subarray(-256).includes("<end>");
  await comesTrue("all have seen the end", () => clients.every(hasEnd), 120_000);
  const truth = file.read();
  const hashes = clients.map(({ way, client }) => ({ way, hash: hash(sinceBegin(client.seen())) }));
  const pids: string[] = [];
  for (const [i, { way, client }] of clients.entries()) {
    const key = "abcdef"[i]!;
    const look = (): string | undefined => new RegExp(`<${key} pid (\\d+)>`).exec(client.seen().subarray(-256).toString())?.[1];
    await client.type(key);
    await comesTrue(`the program answers what was typed by ${way}`, look);
    pids.push(look() ?? "no answer");
  }
  for (const { client } of clients) await client.vanish();
  return [
    {
      what: "there is more than one way to it, and clients on all of them have one hash of one range",
      holds: clients.length > 1 && hashes.every((h) => h.hash === hash(truth)),
      evidence: `${count(truth.length)} bytes, printed ${hash(truth)}; ${hashes.map((h) => `${h.way} ${h.hash}`).join("; ")}`,
    },
    {
      what: "what is typed on each way reaches the one process",
      holds: new Set(pids).size === 1 && pids[0] !== "no answer",
      evidence: clients.map(({ way }, i) => `${way}: ${pids[i] === "no answer" ? "" : "pid "}${pids[i]}`).join("; "),
    },
  ];
}

async function moving(system: System): Promise<Fact> {
  const { argv, file } = program("flow", sizes.streamBytes);
  const session = await system.open({ argv });
  await file.ready();
  let client = await system.attach(session, { as: me });
  await client.type("g");
  let had: Buffer = Buffer.alloc(0);
  const all = (): Buffer => (client.fromStart ? client.seen() : Buffer.concat([had, client.seen()]));
  await comesTrue("much is printed", () => file.size >= sizes.streamBytes, 120_000);
  let moves = 0;
  while (moves < sizes.moves) {
    const from = client.seen().length;
    if (!(await comesTrue("it has more of the stream", () => client.seen().length > from + 5_000, 5_000))) break;
    await client.vanish();
    had = all();
    const before = file.size;
    await comesTrue("something is printed while nobody is there", () => file.size > before + 5_000, 5_000);
    moves++;
    client = await system.attach(session, { as: me, way: system.ways[moves % system.ways.length]!, after: client });
  }
  await client.type("s");
  await comesTrue("all is printed", () => file.tail().endsWith("<end>"));
  await comesTrue("it has the end", () => client.seen().subarray(-256).includes("<end>"));
  const truth = file.read();
  const have = sinceBegin(all());
  await client.vanish();
  return {
    what: "a client that is cut in the middle of the stream goes on by the next way: nothing lost, nothing doubled",
    holds: have.equals(truth) && moves === sizes.moves,
    evidence: `${moves} moves; has ${count(have.length)} of ${count(truth.length)} bytes, SHA-256 ${hash(have)}, printed ${hash(truth)}`,
  };
}

export const transport: Scenario = {
  claim: "The session is independent of the transport",
  run: async (system) => [...(await oneHash(system)), await moving(system)],
};
