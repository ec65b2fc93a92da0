/** Claim 4: an AI is an operator and no controller. It types by what people type by, under its own name, and people come first. */
import { comesTrue, count, type Fact, program, type Scenario, sizes } from "./scenario.ts";
import { bot, me, type System, type Typing } from "./system/system.ts";

interface Try {
  readonly text: string;
  readonly typing: Typing;
}

async function run(system: System): Promise<readonly Fact[]> {
  const { argv, file } = program("sink");
  const session = await system.open({ argv });
  await file.ready();
  const ai = await system.attachAi(session);
  let next = 0;
  const reached = (text: string): boolean => file.read().includes(text);
  const aiTypes = async (): Promise<Try> => {
    const text = `[bot:${next++}]`;
    return { text, typing: await ai.type(text) };
  };
  /**
   * How many of these came to the program, once a person's unit that was typed after them has, where that came too, and once there was time
   * for what the system took of the AI: it may read two clients in any order.
   */
  const arrived = async (tries: readonly Try[]): Promise<{ readonly texts: number; readonly persons: boolean }> => {
    const last = `[me:${next++}]`;
    await person.type(last);
    const persons = await comesTrue("what a person types after them has arrived", () => reached(last));
    await comesTrue("what was taken of the AI has arrived", () => tries.every((t) => !t.typing.taken || reached(t.text)));
    return { texts: tries.filter((t) => reached(t.text)).length, persons };
  };

  const free: string[] = [];
  for (let i = 0; i < sizes.tries; i++) free.push((await aiTypes()).text);
  await comesTrue("what the AI typed has arrived", () => free.every(reached));
  const typed = free.filter(reached).length;
  const record = (await system.record(session)) ?? [];
  const owned = record.filter((t) => t.who === system.nameOf(bot) && t.kind === "ai" && t.onBehalfOf === system.nameOf(me));

  const person = await system.attach(session, { as: me });
  const against: Try[] = [];
  for (let i = 0; i < sizes.tries; i++) {
    await person.type(`[me:${next++}]`);
    against.push(await aiTypes());
  }
  const through = await arrived(against);
  const toldWho = against.filter(({ typing }) => !typing.taken && typing.who === system.nameOf(me)).length;

  const isPaused = await system.pauseAi(session, true);
  const lifted = await system.pauseAi(session, false, bot);
  const whilePaused: Try[] = [];
  for (let i = 0; i < sizes.tries; i++) whilePaused.push(await aiTypes());
  const throughPause = await arrived(whilePaused);
  await system.pauseAi(session, false);
  await person.vanish();
  return [
    {
      what: "it types into the live session that people have",
      holds: typed === free.length,
      evidence: `${count(typed)} of ${count(free.length)} units arrived`,
    },
    {
      what: "the record says that it was an AI, which, and for whom",
      holds: owned.length === free.length,
      evidence: record.length > 0 ? `${count(owned.length)} of ${count(free.length)} units` : "there is no record of input",
    },
    {
      what: "a person's first key stops it: while they steer, none of its input gets through",
      holds: through.texts === 0 && through.persons,
      evidence: `${count(through.texts)} of ${count(against.length)} tries got through`,
    },
    {
      what: "and its calls are told who steers",
      holds: toldWho === against.length,
      evidence: `${count(toldWho)} of ${count(against.length)} calls; the first: ${JSON.stringify(against[0]!.typing)}`,
    },
    {
      what: "a person pauses AIs: none of its input gets through, and people's does",
      holds: isPaused && throughPause.texts === 0 && throughPause.persons,
      evidence: isPaused
        ? `${count(throughPause.texts)} of ${count(whilePaused.length)} tries got through`
        : "there is no such thing",
    },
    {
      what: "it cannot lift that by itself",
      holds: isPaused && !lifted,
      evidence: isPaused ? (lifted ? "it lifted it" : "refused") : "there is nothing to lift",
    },
  ];
}

export const ai: Scenario = { claim: "An AI is an operator, not a controller", run };
