/**
 * One attachment carried from carrier to carrier in the middle of a stream: the claim that attaching has nothing to do with transport.
 * `npm run soak -- handover`: 200 times during 1 GB and 10,000 inputs; in the suite 30 times during 24 MB and 600, by the same way.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { InputStatus, OperatorKind } from "@holdfast/protocol";
import { type HostClient, type InputOutcome, readJournal } from "@holdfast/sdk";
import { connect, connectThrough, files } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { SshUser } from "./world/ssh.ts";
import { wire } from "./world/wire.ts";
import { random, record, say, soak, type World, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));
const MOVES = soak ? 200 : 30;
const INPUTS = soak ? 10_000 : 600;
const BYTES = soak ? 1_000_000_000 : 24_000_000;

/**
 * Prints numbered lines without end, and says on the side what it has printed and read: `BYTES` are counted and hashed, then it goes on with
 * the echo of what is typed. On a raw terminal: what it writes is what arrives.
 */
const PROGRAM = `
import hashlib, os, sys, threading, tty
tty.setraw(0)
inputs = open("inputs", "wb", 0)
def read():
    while True:
        got = os.read(0, 65536)
        if not got: return
        inputs.write(got)
threading.Thread(target=read, daemon=True).start()
said, n, left = hashlib.sha256(), 0, int(sys.argv[1])
while left > 0:
    lines = b"".join(b"%012d and what follows it is the rest of a line\\n" % (n + i) for i in range(400))[:left]
    n += 400
    at = 0
    while at < len(lines): at += os.write(1, lines[at:])
    said.update(lines)
    left -= len(lines)
open("said.new", "w").write(said.hexdigest())
os.rename("said.new", "said")
threading.Event().wait()
`;

/** A client of the machine's user for each carrier, and the \`via\` that it says. */
async function clients(w: World): Promise<ReadonlyMap<string, HostClient>> {
  const address = await w.listenForAll();
  const [url, ssh] = [address("websocket"), address("ssh")];
  const home = w.home;
  // Whoever's key opens the way there, the operator is who proves their own inside it.
  const lane = await SshUser.operator(w, ssh, "lane", { kind: OperatorKind.SERVICE, role: "observer" });
  const local = await connect({ home, via: "cli" });
  const relayed = await (await RelayProcess.start(w)).joinedBy(local, "box");
  const bridge = ["env", `HOLDFAST_HOME=${String(w.env["HOLDFAST_HOME"])}`, hold, "attach", "--carrier", "stdio"];
  const ways = new Map([
    ["unix", local],
    ["websocket", await connect({ url, home, via: "web" })],
    ["http", await connect({ url: url.replace(/^ws/, "http"), home, via: "sdk" })],
    ["stdio", await connectThrough({ argv: bridge, via: "mcp" })],
    ["grpc", await connect({ url: relayed, home, trust: "first", via: "sdk" })],
    ["ssh", await connect({ ssh: `127.0.0.1:${lane.port}`, program: ["ssh", ...lane.options()], home, via: "ssh" })],
  ]);
  for (const client of ways.values()) w.atEnd(() => client.close());
  return ways;
}

test("an attachment that is carried over every carrier in turn stays one attachment, of one operator: each byte and each input once, and the record tells each way", async () => {
  const w = await world();
  const ways = await clients(w);
  const names = [...ways.keys()];
  const first = ways.get("unix")!;
  writeFileSync(w.path("program.py"), PROGRAM);
  const session = await w.open(first, { command: ["python3", "program.py", String(BYTES)] });
  const hash = createHash("sha256");
  let end = 0;
  const faults: string[] = [];
  const attachment = await first.attach(
    { session: session.id, mode: "replay" },
    {
      output: (o) => {
        if (o.offset !== end) faults.push(`output at ${o.offset} came after ${end}`);
        end = o.end;
        hash.update(o.bytes);
      },
      gap: (g) => void faults.push(`a gap of ${g.fromSeq} to ${g.toSeq}: ${g.reason}`),
      detached: (reason) => void (reason !== "left" && faults.push(`detached: ${reason}`)),
    },
  );
  const { id } = attachment;
  // Its terminal is raw by then: nothing that is typed is echoed into the stream.
  await fact("it prints", () => end > 0);

  // Moves at random places of the output, each with inputs just sent that nobody has answered yet.
  const dice = random();
  say(`seed ${dice.seed}`);
  const places = Array.from({ length: MOVES }, () => dice.below(BYTES)).toSorted((a, b) => a - b);
  const outcomes: Promise<InputOutcome>[] = [];
  const seenIds = new Set<string>();
  let unanswered = 0;
  for (const [move, place] of places.entries()) {
    await fact(`byte ${place} came`, () => end >= place, 600_000);
    while (outcomes.length * MOVES < (move + 1) * INPUTS) {
      if (outcomes.length % 8 === 0) await outcomes.at(-1);
      outcomes.push(attachment.input(Buffer.from(`<${outcomes.length}>`)));
    }
    if (attachment.unansweredBytes > 0) unanswered++;
    await ways.get(names[(move + 1) % names.length]!)!.carry(attachment);
    seenIds.add(attachment.id);
  }
  const settled = await Promise.all(outcomes);
  await fact("the program has printed all", () => saidOf(w) !== null, 600_000);
  await fact("all of it came", () => end >= BYTES, 600_000);

  expect(faults).toEqual([]);
  expect(end).toBe(BYTES);
  expect(unanswered).toBe(MOVES);
  expect([...seenIds]).toEqual([id]);
  expect(hash.digest("hex")).toBe(saidOf(w));
  expect(new Set(settled.map((o) => o.status))).toEqual(new Set([InputStatus.APPLIED]));
  await fact("it has read all inputs", () =>
    readFileSync(w.path("inputs"))
      .toString()
      .endsWith(`<${INPUTS - 1}>`),
  );
  expect(readFileSync(w.path("inputs")).toString()).toBe(Array.from({ length: INPUTS }, (_, n) => `<${n}>`).join(""));

  const shown = await first.show(session.id);
  expect(shown.pid).toBe(session.pid);
  expect(shown.operators.map((o) => o.attachment)).toEqual([id]);
  // The bytes of a gigabyte are past their retention by now; who did what is not.
  const events = [];
  for await (const entry of readJournal(first, session.id)) if (entry.type === "event") events.push(entry.event);
  const inputs = events.filter((e) => e.body?.kind.case === "input");
  expect(new Set(inputs.map((e) => e.actor))).toEqual(new Set([first.operator.operator!.id]));
  expect(new Set(inputs.map((e) => e.via))).toEqual(new Set(["cli", "web", "sdk", "mcp", "ssh"]));
  const attached = events.flatMap((e) => (e.body?.kind.case === "attached" ? [e.body.kind.value] : []));
  expect(attached).toHaveLength(1 + MOVES);
  expect(new Set(attached.map((a) => a.attachment))).toEqual(new Set([id]));
  expect(new Set(attached.map((a) => a.carrier))).toEqual(new Set(names));
  await attachment.detach();
}, 900_000);

test("a client whose carrier is gone comes back over another one by itself, as the attachment that it was", async () => {
  const w = await world({ starts: false });
  const url = await w.listen();
  const lane = await wire(w, url);
  await w.listen({ listen: new URL(url).host, allowHosts: [new URL(lane.url).host] });
  const client = await connect({ url: lane.url, home: w.home, also: [{ home: w.home }] });
  w.atEnd(() => client.close());
  const session = await w.open(client, { command: ["cat"] });
  let seen = "";
  const links: boolean[] = [];
  const attachment = await client.attach(
    { session: session.id },
    {
      output: (o) => {
        seen += Buffer.from(o.bytes).toString();
      },
      link: (state, { resumed }) => void (state === "attached" && links.push(resumed)),
    },
  );
  const { id } = attachment;
  await attachment.input(Buffer.from("before\r"));
  await fact("its echo came", () => seen.match(/before/g)?.length === 2);
  await fact("its place is kept", () => readFileSync(files.continuity(w.home), "utf8").includes(id));
  await client.whoami();
  lane.close();
  await attachment.input(Buffer.from("after\r"));
  await fact("its echo came", () => seen.match(/after/g)?.length === 2);
  expect(attachment.id).toBe(id);
  expect(links).toEqual([false, true]);
  const { events } = await record(await w.connect(), session.id);
  const carriers = events.flatMap((e) => (e.body?.kind.case === "attached" ? [e.body.kind.value.carrier] : []));
  expect(carriers).toEqual(["websocket", "unix"]);
  // So does the client itself, at its next call.
  expect((await client.show(session.id)).operators.map((o) => o.attachment)).toEqual([id]);
  await attachment.detach();
});

function saidOf(w: World): string | null {
  try {
    return readFileSync(w.path("said"), "utf8");
  } catch {
    return null;
  }
}
