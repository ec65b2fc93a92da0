/** `kill -9` of clients and of the host under load: nothing that runs, and nothing that it wrote, is lost (promises P1, P2, P4). */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostDown } from "@holdfast/host/start";
import { InputStatus, SessionState } from "@holdfast/protocol";
import type { Attachment, HostClient } from "@holdfast/sdk";
import { folders } from "@holdfast/sdk/node";
import { connectShim } from "@holdfast/shim";
import { expect, test } from "vitest";
import { ClientProcess } from "./world/client.ts";
import { bornAt, cpuTicks, fact, kill, lives, shimsOf } from "./world/processes.ts";
import { bytes, random, record, say, soak, type World, world } from "./world/world.ts";

/** Writes numbered lines to the terminal and to a file of its own until it is told to stop, then ends with its own code. */
const counter = (w: World, name: string, code: number): string => `
  stty -opost; exec 3>'${w.path(`${name}.written`)}'
  i=0
  while [ ! -e '${w.path(`${name}.stop`)}' ]; do
    for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
      i=$((i+1)); printf '${name} %d some text to make it longer\\n' $i; printf '${name} %d some text to make it longer\\n' $i >&3
    done
    read -t 0.01 <> <(:)
  done
  exit ${code}`;

const written = (w: World, name: string): Buffer => readFileSync(w.path(`${name}.written`));
const writtenBytes = (w: World, name: string): number => statSync(w.path(`${name}.written`)).size;

/** Whether this host has come so far: a moment of its start that was not met is its end. */
const isServing = (w: World, pid: number): boolean => w.log().includes(` host ${pid}: serving `);

/** Follows a session in this process, and remembers what it was told. */
async function follow(
  client: HostClient,
  session: string,
): Promise<{
  readonly attachment: Attachment;
  readonly seen: { parts: Buffer[]; bytes: number; breaks: number; losses: number; resumes: number };
}> {
  const seen = { parts: [] as Buffer[], bytes: 0, breaks: 0, losses: 0, resumes: 0 };
  let end = 0;
  const attachment = await client.attach(
    { session, mode: "replay", after: 0, observe: true },
    {
      output(o) {
        if (o.offset !== end) seen.breaks++;
        end = o.offset + o.bytes.length;
        seen.parts.push(Buffer.from(o.bytes));
        seen.bytes += o.bytes.length;
      },
      link(state, { resumed }) {
        if (state === "offline") seen.losses++;
        else if (resumed) seen.resumes++;
      },
    },
  );
  return { attachment, seen };
}

test(
  "killing clients and the host at random loses no process, no byte, no exit code and no typed frame",
  async () => {
    const kills = soak ? 120 : 15;
    const dice = random();
    say(`seed ${dice.seed}`);
    const w = await world();
    const me = await w.connect();
    const names = ["alpha", "bravo", "charlie"];
    const sessions = await Promise.all(names.map((name, i) => w.open(me, { name, script: counter(w, name, 10 + i) })));
    const born = sessions.map((s) => bornAt(s.pid));
    const typed = await w.open(me, {
      name: "typed",
      floor: "open",
      script: `stty raw -echo; echo ready; exec cat >'${w.path("typed.read")}'`,
    });
    await me.wait(typed.id, { match: "ready", fromSeq: 0 });

    const watchers = await Promise.all(sessions.map((s) => follow(me, s.id)));
    const clients = sessions.map((s) => new ClientProcess(w, me.operator.operator!.name, s.id));
    // Somebody types numbered frames all the while, and sends again as a new frame what was reported dropped.
    const typist = await (await w.connect()).attach({ session: typed.id }, {});
    let typing = true;
    let frames = 0;
    let voids = 0;
    const typist_ = (async () => {
      for (; typing; frames++) {
        for (;;) {
          const o = await typist.input(bytes(`<${frames}>`));
          if (o.status === InputStatus.APPLIED) break;
          expect([o.status, o.bytes, o.code]).toEqual([InputStatus.VOID, 0, "input_void"]);
          voids++;
        }
      }
    })();

    let hostKills = 0;
    for (let k = 0; k < kills; k++) {
      // A named fact between two kills: some session has written some more.
      const at = dice.below(names.length);
      const more = writtenBytes(w, names[at]!) + 1 + dice.below(60_000);
      await fact(`${names[at]} has written ${more} bytes`, () => writtenBytes(w, names[at]!) >= more);
      if (dice.below(2) === 0) {
        hostKills++;
        const hostPid = await w.hostPid();
        kill(hostPid);
        // In half of the cases the next kill may hit a host that is still taking up sessions.
        if (dice.below(2) === 0) await w.nextHost(hostPid);
        else await fact(`a host after ${hostPid}`, async () => ![0, hostPid].includes((await w.status()).hostPid), 60_000);
      } else {
        const which = dice.below(clients.length);
        clients[which]!.kill();
        clients[which] = new ClientProcess(w, me.operator.operator!.name, sessions[which]!.id);
      }
    }
    await w.nextHost(0);
    typing = false;
    await typist_;
    const again = await w.connect();
    for (const c of clients) {
      const { seq } = await again.show(sessions[clients.indexOf(c)]!.id);
      await c.until(`it has gone past seq ${seq} by itself`, (s) => s.attached && s.seq > Number(seq) && s.breaks === 0);
    }

    for (const [i, s] of sessions.entries()) {
      expect([(await again.show(s.id)).pid, bornAt(s.pid), lives(s.pid)]).toEqual([s.pid, born[i], true]);
      writeFileSync(w.path(`${names[i]}.stop`), "");
      const { exit } = await again.wait(s.id, { exit: true });
      expect(exit?.code).toBe(10 + i);
      const journal = await record(again, s.id);
      expect(journal.gaps).toEqual([]);
      expect(journal.output.equals(written(w, names[i]!))).toBe(true);
      const { seen } = watchers[i]!;
      await fact("the attached watcher has read to the end by itself", () => seen.bytes === journal.output.length);
      expect([Buffer.concat(seen.parts).equals(journal.output), seen.breaks]).toEqual([true, 0]);
      expect(seen.resumes).toBeGreaterThan(0);
    }

    const read = readFileSync(w.path("typed.read"), "latin1");
    expect(read).toBe(Array.from({ length: frames }, (_, n) => `<${n}>`).join(""));
    const settled = new Map<number, InputStatus>();
    const { events } = await record(again, typed.id);
    for (const e of events)
      if (e.body?.kind.case === "inputSettled") settled.set(Number(e.body.kind.value.inputSeq), e.body.kind.value.status);
    const applied = events.filter((e) => e.body?.kind.case === "input" && settled.get(Number(e.seq)) === InputStatus.APPLIED);
    expect(Buffer.concat(applied.map((e) => Buffer.from(e.data))).toString("latin1")).toBe(read);
    say(
      `${kills} kills, ${hostKills} of the host; ${frames} frames typed, ${voids} dropped and sent again; ${sessions.length} sessions`,
    );
  },
  soak ? 3_600_000 : 120_000,
);

test("a program that ends while no host lives keeps its exit code, and its last bytes arrive", async () => {
  const w = await world();
  const me = await w.connect();
  const ends: readonly (readonly [string, string, { code?: number; signal?: number }])[] = [
    ["zero", "exit 0", { code: 0 }],
    ["code", "printf 'last words'; exit 42", { code: 42 }],
    ["killed", "kill -SEGV $$", { signal: 11 }],
    ["much", "head -c 300000 /dev/zero | tr '\\0' x; exit 3", { code: 3 }],
  ];
  const opened = await Promise.all(
    ends.map(([name, script]) =>
      w.open(me, { name, script: `stty -opost; echo waiting; until [ -e '${w.path("go")}' ]; do sleep 0.02; done; ${script}` }),
    ),
  );
  await Promise.all(opened.map((s) => me.wait(s.id, { match: "waiting", fromSeq: 0 })));
  const { keeperPid, hostPid } = await w.status();
  kill(keeperPid, "SIGSTOP");
  kill(hostPid);
  await fact("no host lives", () => !lives(hostPid));
  writeFileSync(w.path("go"), "");
  for (const s of opened) await fact(`the program ${s.pid} has ended and was reaped`, () => bornAt(s.pid) === "");
  kill(keeperPid, "SIGCONT");
  const again = await w.connect();
  for (const [i, [name, , exit]] of ends.entries()) {
    const waited = await again.wait(opened[i]!.id, { exit: true });
    expect([name, waited.exit?.code, waited.exit?.signal]).toEqual([name, exit.code, exit.signal]);
    expect((await again.show(name)).state).toBe(SessionState.ENDED);
  }
  expect((await record(again, "code")).output.toString()).toBe("waiting\nlast words");
  expect((await record(again, "much")).output.toString()).toBe(`waiting\n${"x".repeat(300_000)}`);
});

test("what a background child prints after its parent's exit and a host's death is still recorded, and its shim then goes", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    script: `trap '' HUP; (until [ -e '${w.path("go")}' ]; do sleep 0.02; done; echo from the child) & echo parent; exit 5`,
  });
  expect((await me.wait(session.id, { exit: true })).exit?.code).toBe(5);
  await w.killHost();
  writeFileSync(w.path("go"), "");
  const again = await w.connect();
  await fact("the child's words are in the journal", async () =>
    (await record(again, session.id)).output.toString().includes("from the child"),
  );
  expect((await again.show(session.id)).exit?.code).toBe(5);
  await fact("the shim has gone", () => shimsOf(w.place).length === 0);
});

test("a program whose journal is taken away is left alone and told of, and is its session again when the journal is back", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    script: `trap '' HUP; until [ -e '${w.path("go")}' ]; do sleep 0.02; done; echo went on; exit 6`,
  });
  const journal = folders.journal(w.home);
  const swap = async (admin: HostClient, from: string, to: string): Promise<HostClient> => {
    await admin.down();
    w.close(admin);
    await hostDown({ home: w.home, end: false });
    rmSync(to, { recursive: true, force: true });
    renameSync(from, to);
    await w.start();
    return w.connect();
  };
  const without = await swap(me, journal, w.path("journal"));
  await fact("the admin is told", async () =>
    (await without.status()).notices.some((n) => n.includes(`as session ${session.id} `)),
  );
  expect((await without.list()).map((s) => s.id)).not.toContain(session.id);
  expect(shimsOf(w.place).length).toBe(1);
  const again = await swap(without, w.path("journal"), journal);
  writeFileSync(w.path("go"), "");
  expect((await again.wait(session.id, { exit: true })).exit?.code).toBe(6);
  expect((await record(again, session.id)).output.toString()).toContain("went on");
});

test("the keeper starts a killed host again within a second, unasked", async () => {
  const w = await world();
  const { hostPid } = await w.status();
  kill(hostPid);
  await fact("another host was started", async () => ![0, hostPid].includes((await w.status()).hostPid), 1_000);
});

test(
  "hosts killed at any moment of their start lose no session, and the one that is let live serves them all",
  async () => {
    const kills = soak ? 300 : 12;
    const dice = random();
    say(`seed ${dice.seed}`);
    const w = await world();
    const me = await w.connect();
    const names = ["delta", "echo", "fox"];
    const sessions = await Promise.all(names.map((name, i) => w.open(me, { name, script: counter(w, name, 20 + i) })));
    let host = await w.hostPid();
    for (let k = 0; k < kills; k++) {
      // Some moment of a start: it has used so much of the processor.
      const ticks = dice.below(50);
      await fact(`host ${host} has run for ${ticks} ticks, or serves`, () => cpuTicks(host) >= ticks || isServing(w, host));
      kill(host);
      const killed = host;
      host = await fact(`a host after ${killed}`, async () => {
        const { hostPid, restartInMs } = await w.status();
        expect(restartInMs).toBeLessThan(1_000);
        return [0, killed].includes(hostPid) ? null : hostPid;
      });
    }
    await w.nextHost(0);
    const again = await w.connect();
    for (const [i, s] of sessions.entries()) {
      expect([(await again.show(s.id)).state, lives(s.pid)]).toEqual([SessionState.RUNNING, true]);
      writeFileSync(w.path(`${names[i]}.stop`), "");
      expect((await again.wait(s.id, { exit: true })).exit?.code).toBe(20 + i);
      expect((await record(again, s.id)).output.equals(written(w, names[i]!))).toBe(true);
    }
    expect(w.log()).not.toMatch(/[1-9]\d* lost/);
    say(`${kills} kills of hosts that were starting`);
  },
  soak ? 3_600_000 : 300_000,
);

test("a host that another one took a shim from leaves, and its keeper starts the next", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { name: "mine", script: "echo up; exec sleep 1000" });
  const { hostPid, keeperPid } = await w.status();
  const quiet = (): void => {};
  const stranger = connectShim(
    join(folders.run(w.home), `${session.id}.sock`),
    {},
    { welcome: quiet, output: quiet, result: quiet, exited: quiet, closed: quiet, probe: quiet, end: quiet },
  );
  const next = await w.nextHost(hostPid);
  stranger.close();
  expect([next === hostPid, (await w.status()).keeperPid, lives(session.pid)]).toEqual([false, keeperPid, true]);
  expect((await (await w.connect()).show("mine")).pid).toBe(session.pid);
});

test("a host that was started by a program inside a session outlives that session", async () => {
  const w = await world();
  const me = await w.connect();
  const start = new URL("world/start-process.ts", import.meta.url).pathname;
  const session = await w.open(me, {
    script: `until [ -e '${w.path("go")}' ]; do sleep 0.02; done; '${process.execPath}' '${start}' '${w.home}'; echo started; sleep 1000`,
  });
  const { keeperPid } = await w.status();
  await me.down();
  await fact("keeper and host have gone", () => !lives(keeperPid));
  writeFileSync(w.path("go"), "");
  const inner = await fact("a keeper has a host again", async () => (await w.status().catch(() => null))?.hostPid);
  const again = await w.connect();
  await again.wait(session.id, { match: "started", fromSeq: 0 });
  expect((await again.show(session.id)).pid).toBe(session.pid);
  await again.kill(session.id, 100);
  expect(lives(session.pid)).toBe(false);
  expect([(await again.status()).pid, lives(inner)]).toEqual([inner, true]);
});
