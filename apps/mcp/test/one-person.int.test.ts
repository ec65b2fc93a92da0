/** One person on every interface is one operator; an AI of theirs is another, on their behalf. Told by `hold log`. */
import { spawnSync } from "node:child_process";
import { connect, credentialFrom, formatInvite, generateKeyPair, type HostClient, joinByInvite } from "@holdfast/sdk";
import { expect, test } from "vitest";
import { bytes, type World, world } from "../../../test/integration/world/world.ts";
import { SshUser } from "../../../test/integration/world/ssh.ts";
import { agent, hold } from "./agent.ts";

function cli(w: World, ...words: string[]): string {
  const done = spawnSync(hold, words, { env: w.env, cwd: w.files, encoding: "utf8", timeout: 60_000 });
  if (done.status !== 0) throw new Error(`hold ${words.join(" ")} ended with ${done.status}: ${done.stderr}`);
  return done.stdout;
}

const events = (out: string): { actor: string; via: string; text: string; onBehalfOf?: string }[] =>
  out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { actor: string; via: string; text: string });

/** A page with a key of its own, which can't be read out, made another device of `operator` by an invitation. */
async function page(w: World, url: string, operator: string): Promise<HostClient> {
  const pair = await generateKeyPair();
  const { token, hostKey } = await (await w.connect()).invite({ operator });
  const at = ["ssh://box.example", "ws://127.0.0.1:1", url];
  const joined = await joinByInvite({ invite: formatInvite({ at, hostKey, token, operator }), pair });
  expect(joined).toMatchObject({ operator, url, session: null });
  const client = await connect({ ...joined, credential: await credentialFrom(pair) });
  w.atEnd(() => client.close());
  return client;
}

test("a person types by command line, program, page and ssh under one id, and their AI under its own on their behalf", async () => {
  const w = await world({ starts: false });
  const at = await w.listenForAll();
  const url = at("websocket");
  const program = await w.connect();
  const me = program.operator.operator!.id;
  await w.open(program, { name: "shared", floor: "open", script: "exec cat >/dev/null" });

  cli(w, "send", "shared", "by the command line", "--enter");
  await program.send("shared", bytes("by a program\n"));
  await (await page(w, url, me)).send("shared", bytes("by a page\n"));
  const laptop = SshUser.stranger(w, at("ssh"), "laptop");
  cli(w, "operator", "add-key", me, `${laptop.key}.pub`);
  const shell = laptop.ssh("shared", [], { stdin: "open", options: ["-tt"] });
  shell.type("by ssh\r");
  await program.wait("shared", { match: "by ssh", fromSeq: 0 });
  shell.child.kill();
  const ai = await agent(w, "v2");
  w.atEnd(() => void ai.close());
  expect(await ai.call("send_text", { session: "shared", text: "by an AI", submit: true })).toMatchObject({ isError: false });
  await ai.close();

  const mine = events(cli(w, "log", "shared", "--actor", me, "--kind", "input", "--json"));
  expect(new Set(mine.map((e) => e.actor))).toEqual(new Set([me]));
  // What is typed by ssh comes in as many pieces as its client sends.
  const typed = new Map<string, string>();
  for (const { via, text } of mine) typed.set(via, (typed.get(via) ?? "") + text.replace(/[\r\n]/g, ""));
  expect([...typed]).toEqual([
    ["cli", "by the command line"],
    ["sdk", "by a program"],
    ["web", "by a page"],
    ["ssh", "by ssh"],
  ]);
  const all = events(cli(w, "log", "shared", "--kind", "input", "--json"));
  expect(all.filter((e) => e.actor !== me)).toMatchObject([
    { actor: `${me}-ai`, via: "mcp", text: "by an AI\r", onBehalfOf: me },
  ]);
  // In the record itself, which nobody can change later: not in a list of today's operators alone.
  expect(cli(w, "audit", "show", "--json")).toContain(`ai operator on behalf of ${me}`);
  const { credentials } = JSON.parse(cli(w, "operator", "show", me, "--json")) as {
    credentials: { usedVia: string; addedBy: string }[];
  };
  expect(credentials.map((c) => c.usedVia)).toEqual(["cli", "web", "ssh"]);
});
