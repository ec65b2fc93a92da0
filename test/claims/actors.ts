/** Claim 2: several watch the same and type into it; input is put in one order, each unit whole, and carries the name of who typed it. */
import { comesTrue, count, type Fact, hash, program, type Scenario, sinceBegin, sizes } from "./scenario.ts";
import { ana, type Actor, ben, type Client, me, type System, type Typed } from "./system/system.ts";

const typists: readonly Actor[] = [me, ana, ben];
/** Some units are short as keys, some long as pastes. */
const LENGTHS = [0, 1, 20, 120, 900, 3_000];

const unit = (actor: Actor, n: number): string => `[${actor.name}:${n}:${"x".repeat(LENGTHS[n % LENGTHS.length]!)}]`;
const whole = /\[([a-z]+):(\d+):x*\]/g;

async function typeAll(client: Client, actor: Actor): Promise<number> {
  let taken = 0;
  for (let n = 0; n < sizes.units; n++) if ((await client.type(unit(actor, n))).taken) taken++;
  return taken;
}

async function run(system: System): Promise<readonly Fact[]> {
  const watched = await watchTogether(system);
  const { argv, file } = program("sink");
  const session = await system.open({ argv, together: true });
  await file.ready();
  const clients = await Promise.all(typists.map((as) => system.attach(session, { as })));
  const taken = await Promise.all(clients.map((client, i) => typeAll(client, typists[i]!)));
  const sent = typists.flatMap((actor) => Array.from({ length: sizes.units }, (_, n) => unit(actor, n)));
  const bytes = sent.reduce((sum, text) => sum + text.length, 0);
  await comesTrue("the program has read as much as was typed", () => file.size >= bytes);

  const read = file.read().toString();
  const units = read.match(whole) ?? [];
  const intact = new Set(units.filter((text) => sent.includes(text)));
  const record = await system.record(session);
  const named = record ? namedRightly(system, record) : 0;
  return [
    watched,
    {
      what: "what several type at the same time arrives: every unit, once",
      holds: units.length === sent.length && intact.size === sent.length,
      evidence: `${count(intact.size)} of ${count(sent.length)} units, ${count(taken.reduce((a, b) => a + b))} taken`,
    },
    {
      what: "no unit is cut by another's",
      holds: read.replace(whole, "") === "" && intact.size > 0,
      evidence: `${count(read.replace(whole, "").length)} bytes outside of whole units`,
    },
    {
      what: "the system's record has every unit, in the order in which the program read them, with the name of who typed it",
      holds: record !== null && named === sent.length && record.map((t) => t.text).join("") === read,
      evidence: record ? `${count(named)} of ${count(sent.length)} rightly named` : "there is no record of input",
    },
  ];
}

function namedRightly(system: System, record: readonly Typed[]): number {
  return record.filter(({ text, who }) => {
    const actor = typists.find((a) => text.startsWith(`[${a.name}:`));
    return actor !== undefined && who === system.nameOf(actor);
  }).length;
}

async function watchTogether(system: System): Promise<Fact> {
  const { argv, file } = program("print", sizes.streamBytes / 10);
  const session = await system.open({ argv, together: true });
  await file.ready();
  const clients = await Promise.all(typists.map((as) => system.attach(session, { as })));
  await clients[0]!.type("g");
  await comesTrue("all have seen the end", () => clients.every((c) => c.seen().subarray(-256).includes("<end>")));
  const hashes = new Set(clients.map((c) => hash(sinceBegin(c.seen()))));
  const truth = hash(file.read());
  for (const client of clients) await client.vanish();
  return {
    what: "several who watch at the same time are given the same bytes, and all of them",
    holds: hashes.size === 1 && hashes.has(truth),
    evidence: `${clients.length} clients, SHA-256 ${[...hashes].join(", ")}; printed ${truth}`,
  };
}

export const actors: Scenario = { claim: "Several actors: concurrent observation, serialised and attributed input", run };
