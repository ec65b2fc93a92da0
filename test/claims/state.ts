/** Claim 1: what runs is an object of its own. It has an identity, a memory and a history that belong to no client and to no server process. */
import { lives } from "../integration/world/processes.ts";
import { comesTrue, count, type Fact, program, type Scenario, sizes } from "./scenario.ts";
import { type Client, me, type System } from "./system/system.ts";

/** What the program says of itself when it is asked: its pid, and a word that is nowhere but in its memory. */
interface Self {
  readonly pid: number;
  readonly word: string;
}

async function askSelf(client: Client): Promise<Self | null> {
  const from = client.seen().length;
  const look = (): RegExpExecArray | null => /<pid (\d+) word ([0-9a-f]+)>/.exec(client.seen().toString("utf8", from));
  await client.type("?");
  if (!(await comesTrue("the program answers", look))) return null;
  const [, pid, word] = look()!;
  return { pid: Number(pid), word: word! };
}

const askAnew = async (system: System, session: string): Promise<Self | null> => {
  try {
    const client = await system.attach(session, { as: me });
    const self = await askSelf(client);
    await client.vanish();
    return self;
  } catch {
    return null;
  }
};

const isSame = (a: Self | null, b: Self | null): boolean => a !== null && b !== null && a.pid === b.pid && a.word === b.word;
const told = (self: Self | null): string => (self ? `pid ${self.pid}, word ${self.word}` : "nobody answers");

/** How many of the lines up to `last` the system still has, for somebody who was never there. */
async function kept(system: System, session: string, last: number): Promise<number> {
  const history = await system.history(session).catch(() => "");
  const seen = new Set([...history.matchAll(/line (\d+)\s/g)].map((m) => Number(m[1])));
  let n = 0;
  for (let i = 1; i <= last; i++) if (seen.has(i)) n++;
  return n;
}

async function run(system: System): Promise<readonly Fact[]> {
  const { argv, file } = program("count");
  const printed = (): number => Number(/line (\d+)\r\n[^\n]*$/.exec(file.tail())?.[1] ?? 0);
  const more = async (lines: number): Promise<number> => {
    const goal = printed() + lines;
    await comesTrue(`${lines} more lines are printed`, () => printed() >= goal, 60_000);
    return printed();
  };
  const session = await system.open({ argv });
  await file.ready();
  const clients = [await system.attach(session, { as: me }), await system.attach(session, { as: me })];
  const self = await askSelf(clients[0]!);
  if (!self) throw new Error(`the program of ${system.name} does not answer: nothing can be measured`);

  for (const client of clients) await client.vanish();
  const alone = await more(sizes.lines);
  const after = await askAnew(system, session);
  const keptAlone = await kept(system, session, alone);

  await system.killServer(session);
  const goal = printed() + sizes.lines;
  await comesTrue("it is gone, or prints on", () => !lives(self.pid) || printed() >= goal, 60_000);
  const isAlive = lives(self.pid);
  const last = printed();
  const survived = await askAnew(system, session);
  const keptAfter = await kept(system, session, last);

  // Where its server took it along, a program that ends by itself is looked at in another session.
  const another = program("count");
  const ending = survived ? session : await system.open(another);
  if (!survived) await another.file.ready();
  const closing = await system.attach(ending, { as: me });
  await closing.type("x");
  await comesTrue("its end is known", async () => (await system.exitCode(ending)) !== undefined);
  const code = await system.exitCode(ending);
  const words = (await system.history(ending).catch(() => "")).includes("<last words>");
  return [
    {
      what: "with every client gone, the same process runs on and is reached again by the session's name",
      holds: isSame(self, after),
      evidence: `before: ${told(self)}; after: ${told(after)}`,
    },
    {
      what: "what it printed while nobody was there is still to be read",
      holds: keptAlone === alone,
      evidence: `${count(keptAlone)} of ${count(alone)} lines`,
    },
    {
      what: "with its server killed by SIGKILL, the same process runs on and is reached again by the same name",
      holds: isSame(self, survived),
      evidence: `pid ${self.pid} ${isAlive ? "lives" : "is gone"}; ${told(survived)}`,
    },
    {
      what: "what it printed before, during and after that is still to be read",
      holds: keptAfter === last && isAlive,
      evidence: `${count(keptAfter)} of ${count(last)} lines`,
    },
    {
      what: "a session whose program ended still tells its exit code and its last words",
      holds: code === 7 && words,
      evidence: `exit code ${code ?? "not known"} (it was 7), last words ${words ? "kept" : "not kept"}`,
    },
  ];
}

export const state: Scenario = { claim: "Execution state is a first-class object", run };
