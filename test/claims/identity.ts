/** Claim 5: who acts is one identity, whatever they come by. */
import { fact } from "../integration/world/processes.ts";
import { count, type Fact, program, type Scenario } from "./scenario.ts";
import { ana, me, type System } from "./system/system.ts";

async function run(system: System): Promise<readonly Fact[]> {
  const { argv, file } = program("sink");
  const session = await system.open({ argv, together: true });
  await file.ready();
  const units: string[] = [];
  const clients = [];
  for (const way of system.ways) {
    const client = await system.attach(session, { as: me, way });
    clients.push(client);
    units.push(`[me:${way}]`);
    await client.type(units.at(-1)!);
  }
  // Says that she is another, in the one place where a client can say what it likes.
  const other = await system.attach(session, { as: ana });
  const forged = "[me:forged]";
  await other.type(forged);
  clients.push(other);
  const ai = await system.attachAi(session);
  const delegated = "[bot:for me]";
  await ai.type(delegated);
  await fact("all of it has arrived", () => [...units, forged, delegated].every((u) => file.read().includes(u)));

  const mine = system.nameOf(me);
  const here = await system.present(session);
  const record = (await system.record(session)) ?? [];
  const ofMe = (await system.record(session, me)) ?? [];
  const whoTyped = (text: string): (typeof record)[number] | undefined => record.find((t) => t.text === text);
  const own = units.filter((u) => mine !== null && whoTyped(u)?.who === mine);
  const vias = new Set(ofMe.map((t) => t.via));
  for (const client of clients) await client.vanish();
  return [
    {
      what: "who is there is told by name: one name for one person, by every way",
      holds:
        mine !== null &&
        here.filter((name) => name === mine).length >= system.ways.length &&
        here.includes(system.nameOf(ana) ?? ""),
      evidence: here.length > 0 ? here.join(", ") : "nobody is named",
    },
    {
      what: "the record has what one person typed by every way under one name, and tells the ways apart",
      holds: own.length === units.length && units.length > 1 && vias.size > 1,
      evidence:
        record.length > 0
          ? `${count(own.length)} of ${count(units.length)} units under ${mine}; by ${[...vias].join(", ")}`
          : "there is no record of input",
    },
    {
      what: "asked for what one person did, it gives that and nothing else",
      holds: ofMe.length === units.length && ofMe.every((t) => units.includes(t.text)),
      evidence: ofMe.length > 0 ? `${count(ofMe.length)} entries` : "it cannot be asked",
    },
    {
      what: "an AI that acts for a person has its own name, and theirs beside it",
      holds: whoTyped(delegated)?.onBehalfOf === mine && mine !== null && whoTyped(delegated)?.who !== mine,
      evidence: whoTyped(delegated)
        ? `${whoTyped(delegated)!.who} for ${whoTyped(delegated)!.onBehalfOf ?? "nobody"}`
        : "not told",
    },
    {
      what: "the name is the system's finding, not the client's claim",
      holds: whoTyped(forged)?.who === system.nameOf(ana) && system.nameOf(ana) !== mine,
      evidence: whoTyped(forged) ? `what ana typed in another's name stands under ${whoTyped(forged)!.who}` : "no name is kept",
    },
  ];
}

export const identity: Scenario = { claim: "One identity across interfaces", run };
