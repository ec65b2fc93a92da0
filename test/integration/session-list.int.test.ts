/** The list of sessions as it changes (call/session-watch.ts), watched through the front door. */
import { execFile } from "node:child_process";
import { connectUnix } from "@holdfast/carrier";
import type { HostClient, Session, SessionList } from "@holdfast/sdk";
import { files, joinHost } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { holdPath } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { bytes, refusal, world } from "./world/world.ts";

type Options = Parameters<HostClient["watchSessions"]>[1];

/** What one client is told; `now` is the newest list. */
class Watching {
  readonly told: SessionList[] = [];
  readonly #enough = new AbortController();
  readonly over: Promise<string>;

  constructor(client: HostClient, options: Options = {}, slow: () => Promise<void> = async () => {}) {
    this.over = client
      .watchSessions(
        async (list) => {
          this.told.push(list);
          await slow();
        },
        { ...options, signal: this.#enough.signal },
      )
      .then(
        () => "left",
        (fault: { code?: string }) => fault.code ?? "unknown",
      );
  }

  get now(): readonly Session[] {
    return this.told.at(-1)?.sessions ?? [];
  }

  named(name: string): Session | undefined {
    return this.now.find((s) => s.name === name);
  }

  async leave(): Promise<void> {
    this.#enough.abort();
    expect(await this.over).toBe("left");
  }
}

test("a session that begins, is renamed and ends is told as each happens, and one that ended is gone from a list of the live", async () => {
  const w = await world();
  const me = await w.connect();
  await w.open(me, { name: "first", script: "sleep 600" });
  const live = new Watching(me);
  const all = new Watching(await w.connect(), { all: true });
  await fact("the first is told", () => live.named("first"));
  const { id } = await w.open(me, { name: "second", script: "sleep 600" });
  await fact("the second is told", () => live.named("second"));
  await me.rename(id, "renamed");
  await fact("its new name is told", () => live.named("renamed"));
  await me.kill(id, 0);
  await fact("it is gone", () => live.told.some((list) => list.gone.includes(id)));
  expect(live.now.map((s) => s.name)).toEqual(["first"]);
  const ended = await fact("its end is told to who asked for all", () => all.now.find((s) => s.id === id && s.exit));
  expect(ended!.name).toBe("renamed");
  await live.leave();
  await all.leave();
});

test("who comes, who steers and what runs is told, and that a program waits for somebody", async () => {
  const w = await world();
  const me = await w.connect();
  const { id } = await w.open(me, { name: "asks", script: "sleep 600; true" });
  const list = new Watching(me);
  await fact(
    "what is in front is told",
    () => list.named("asks")?.activity === "running" && list.named("asks")?.foreground === "bash",
  );
  const ana = await w.operator("ana");
  const attachment = await ana.attach({ session: id }, {});
  await ana.floor(id, "take");
  await fact("she is there and steers", () => {
    const shown = list.named("asks");
    return shown?.operators.some((o) => o.name === "ana" && o.via === "sdk") && shown.floor?.holderName === "ana";
  });
  await attachment.detach();
  await fact("she has left", () => list.named("asks")?.operators.length === 0);
  const script = "printf 'go on? '; read -r answer; exec sleep 600";
  // Not by its name: a shell that reads and tells nothing may as well be at its prompt.
  await w.open(me, { name: "reads", command: ["env", "bash", "-c", script] });
  await fact("that it waits is told", () => list.named("reads")?.activity === "waiting_input");
  await me.send("reads", bytes("yes\n"));
  await fact(
    "that it runs on is told",
    () => list.named("reads")?.activity === "running" && list.named("reads")?.foreground === "sleep",
  );
  await list.leave();
});

test("a guest is told of their session alone, an auditor nothing that is looked at, and one who is revoked nothing more", async () => {
  const w = await world();
  const me = await w.connect();
  const shared = await w.open(me, { name: "shared", script: "sleep 600" });
  await w.open(me, { name: "other", script: "sleep 600" });
  const { token, hostKey } = await me.invite({ session: "shared", role: "observer", ttlMs: 3_600_000 });
  const dial = (accept: Parameters<typeof connectUnix>[1]) => connectUnix(files.socket(w.home), accept);
  await joinHost({ home: w.home, dial, hostKey, token, name: "guest" });
  const auditor = new Watching(await w.operator("auditor", "human", "auditor"));
  const observer = await w.operator("observer", "human", "observer");
  const watched = new Watching(observer);
  await fact("the observer is told what runs", () => watched.named("shared")?.foreground !== "" && watched.named("other"));
  await fact("the auditor has the list", () => auditor.now.length === 2);
  await me.rename("other", "others");
  await fact("a change is told", () => auditor.named("others"));
  expect(auditor.told.flatMap((l) => l.sessions).every((s) => s.activity === "" && s.foreground === "")).toBe(true);
  const guest = new Watching(await w.connect("guest"));
  await fact("the guest has a list", () => guest.now.length > 0);
  await me.rename("others", "elsewhere");
  await me.rename("shared", "ours");
  await fact("the guest is told of theirs", () => guest.named("ours"));
  expect(new Set(guest.told.flatMap((l) => l.sessions).map((s) => s.id))).toEqual(new Set([shared.id]));
  await me.operatorRevoke("observer");
  expect(await watched.over).toBe("revoked");
  expect(await refusal(observer.list())).toBe("revoked");
  await auditor.leave();
  await guest.leave();
});

test("a client that does not read gets the newest of what printed meanwhile, and no backlog", async () => {
  const w = await world();
  const me = await w.connect();
  let go = (): void => {};
  const held = new Promise<void>((resolve) => (go = resolve));
  const slow = new Watching(await w.connect(), {}, () => held);
  await fact("it is told once, and holds on", () => slow.told.length === 1);
  const { id } = await w.open(me, { name: "chatty", script: "for i in $(seq 2000); do echo $i; done; exec sleep 600" });
  for (let i = 0; i < 40; i++) await me.rename(id, `name-${i}`);
  await fact("it has printed all", async () => (await me.show(id)).outputBytes > 8_000n);
  go();
  await fact("the newest is told", () => slow.named("name-39"));
  // Forty names and two thousand lines: it was told a few states.
  expect(slow.told.length).toBeLessThan(12);
  await slow.leave();
});

test("`hold ls --watch --json` prints each session as a line, and again when it changes, until its end", async () => {
  const w = await world();
  const me = await w.connect();
  const { id } = await w.open(me, { name: "one", script: "sleep 600" });
  const program = execFile(holdPath, ["ls", "--watch", "--json"], { env: w.env });
  let out = "";
  program.stdout!.on("data", (text: string) => (out += text));
  const over = new Promise<number | null>((resolve) => program.once("exit", resolve));
  const lines = () =>
    out
      .split("\n")
      .slice(0, -1)
      .map((l) => JSON.parse(l) as { id: string; name: string; gone?: boolean });
  await fact("the session is printed", () => lines().some((l) => l.name === "one"));
  await me.rename(id, "two");
  await fact("its new name is printed", () => lines().some((l) => l.name === "two"));
  await me.kill(id, 0);
  await fact("that it is gone is printed", () => lines().some((l) => l.id === id && l.gone));
  program.kill("SIGINT");
  await over;
});
