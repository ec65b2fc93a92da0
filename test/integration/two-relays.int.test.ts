/** A host that has joined two relays which know nothing of each other, and operators who name both: what it is to them that one is gone. */
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OperatorKind, SessionState } from "@holdfast/protocol";
import type { Attachment } from "@holdfast/sdk";
import { folders } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { held, hold, holdPath, type Machine, machine } from "./world/hold.ts";
import { fact, kill } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { answering, reach } from "./world/steered.ts";
import { STREAM, Watched } from "./world/watched.ts";
import { bytes, record, type Recorded, say, type World, world } from "./world/world.ts";

async function scene() {
  const w = await world();
  const [a, b] = [await RelayProcess.start(w, "a"), await RelayProcess.start(w, "b")];
  const local = await w.connect();
  const [atA, atB] = [await a.joinedBy(local, "box"), await b.joinedBy(local, "box")];
  return { w, a, b, local, atA, atB, both: `${a.url},${b.url}` };
}

test("a relay is killed in mid-stream, one stands still: the attachment goes on by the other, the same one, each byte and each line once", async () => {
  const { w, a, b, local, atA } = await scene();
  const session = await w.open(local, { name: "stream", script: STREAM });
  const client = await reach(w, atA, { relays: [b.url] });
  const watched = await Watched.at(client, "stream", "far");
  const { id } = watched.attachment;
  const times: Record<string, number> = {};
  times["killed"] = await watched.through(() => a.kill());
  await a.start();
  await fact("the host has joined it again", async () => (await local.status()).uplinks.every((u) => u.state === "connected"));
  times["killed too"] = await watched.through(() => b.kill());
  await b.start();
  await fact("the host has joined it again", async () => (await local.status()).uplinks.every((u) => u.state === "connected"));
  // It takes what is sent to it and says nothing: no end of anything tells.
  times["stopped"] = await watched.through(() => Promise.resolve(kill(a.pid, "SIGSTOP")));
  const [since, another] = [performance.now(), await reach(w, atA, { relays: [b.url] })];
  times["found by another client"] = Math.round(performance.now() - since);
  expect((await another.show(session.id)).pid).toBe(session.pid);
  kill(a.pid, "SIGCONT");
  watched.isWhole();
  expect(watched.attachment.id).toBe(id);
  expect(watched.resumed).toBeGreaterThanOrEqual(3);
  expect((await local.show(session.id)).pid).toBe(session.pid);
  say(
    `output again: ${Object.entries(times)
      .map(([what, ms]) => `${what} ${ms} ms`)
      .join(", ")}`,
  );
});

const text = ({ output }: Recorded): string => output.toString().replaceAll("\r", "");

/** Makes a new operator, ana, on a machine of her own, who has met the host behind one relay. */
async function joins(w: World, laptop: Machine, at: string): Promise<void> {
  const invite = (await held(w, "operator", "invite", "ana", "--at", at, "--json")).split("\n")[0]!;
  await held(laptop, "join", (JSON.parse(invite) as { invite: string }).invite, "--name", "travelling", "--no-attach");
}

/** Types into `screen`, and waits until the session behind it has answered. */
async function typesInto(w: World, screen: Attachment, session: string, lines: readonly string[]): Promise<void> {
  const local = await w.connect();
  for (const line of lines) await screen.input(bytes(`${line}\r`));
  await fact(`${lines.at(-1)} is answered`, async () => text(await record(local, session)).includes(`<${lines.at(-1)}>`));
}

test("`hold --relay URL1,URL2`: a terminal goes on by the second when the first is killed -9 under it, and who comes then gets there too; a context has both", async () => {
  const { w, a, local, atA, both } = await scene();
  const session = await answering(w, local, "main");
  const laptop = machine(w, "laptop");
  await joins(w, laptop, atA);
  const command = [holdPath, "--relay", both, "attach", "box/main"];
  const shown = await w.open(local, { name: "laptop", env: { ...laptop.env, TERM: "xterm-256color" }, command });
  await fact("the laptop is there", async () => (await local.show(session.id)).operators.length === 1);
  const [before] = (await local.show(session.id)).operators;
  const screen = await local.attach({ session: shown.id }, {});
  const lines = Array.from({ length: 12 }, (_, i) => `line ${i}`);
  await typesInto(w, screen, session.id, lines.slice(0, 6));
  await a.kill();
  await typesInto(w, screen, session.id, lines.slice(6));
  const recorded = await record(local, session.id);
  expect(text(recorded).trim().split("\n")).toEqual(lines.map((line) => `<${line}>`));
  const attached = (await local.show(session.id)).operators.map((o) => o.attachment);
  expect(attached).toEqual([before!.attachment]);
  expect((await local.show(shown.id)).state).toBe(SessionState.RUNNING);

  // With the first one dead.
  const found = JSON.parse(await held(laptop, "--relay", both, "hosts", "--json")) as object;
  expect(found).toMatchObject({ name: "box" });
  expect(await held(laptop, "--relay", both, "whoami", "--json")).toContain('"ana"');
  await held(laptop, "context", "set", "pair", "--of", both, "--at", "box");
  const listed = (await held(laptop, "context", "ls", "--json")).split("\n").map((l) => JSON.parse(l) as { name: string });
  expect(listed.find(({ name }) => name === "pair")).toMatchObject({ relay: both, host: "box" });
  await held(laptop, "context", "use", "pair");
  expect(await held(laptop, "ls")).toContain("main");
  expect(await held(laptop, "send", "main", "--enter", "from the context")).toBeDefined();
  await fact("it is answered", async () => text(await record(local, session.id)).includes("<from the context>"));
});

test("what is known of the host at one relay is meant at all: the credential, and the key; another host of the same name gets nothing", async () => {
  const { w, a, b, local, atA } = await scene();
  const session = await answering(w, local, "main");
  const laptop = machine(w, "laptop");
  await joins(w, laptop, atA);
  const keyFile = join(folders.keys(laptop.home), "travelling.key");
  const { x } = createPublicKey(readFileSync(keyFile)).export({ format: "jwk" });
  // Another host, of whose door the same key is let in to, behind a relay where it is called the same.
  const other = await world();
  const [c, far] = [await RelayProcess.start(other, "c"), await other.connect()];
  await c.joinedBy(far, "box");
  const publicKey = Buffer.from(x!, "base64url");
  await far.operatorAdd({ name: "ana", kind: OperatorKind.HUMAN, role: "operator", publicKey });
  const shows = (...relays: readonly string[]): ReturnType<typeof hold> =>
    hold(laptop, ...relays.flatMap((relay) => ["--relay", relay]), "show", "main", "--json", "--host", "box");
  const shown = async (...relays: readonly string[]): Promise<string> =>
    (JSON.parse((await shows(...relays)).out) as { id: string }).id;
  expect((await shows(b.url)).err).toContain("unknown_credential");
  await a.kill();
  expect(await shown(a.url, b.url)).toBe(session.id);
  // From now on it is known there too.
  expect(await shown(b.url)).toBe(session.id);
  expect((await shows(a.url, c.url)).err).toMatch(/host_key_unknown.* is meant/);
  expect(await shown(a.url, b.url, c.url)).toBe(session.id);
  await b.kill();
  const nowhere = JSON.parse((await shows(a.url, b.url)).err) as object;
  expect(nowhere).toMatchObject({ code: "unreachable", message: expect.stringContaining("nor does any other relay") });
});
