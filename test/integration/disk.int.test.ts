/** The disk is full, or may not be written: nothing runs unrecorded, nothing is lost, and it goes on when there is room (T-39). */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputStatus } from "@holdfast/protocol";
import { folders } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { fact, lives } from "./world/processes.ts";
import { bytes, record, refusal, say, world } from "./world/world.ts";

const mount = (place: string): boolean =>
  spawnSync("mount", ["-t", "tmpfs", "-o", "size=12m,mode=0700", "hold-test", join(place, "state")]).status === 0;
const unmount = (place: string): void => void spawnSync("umount", ["-l", join(place, "state")]);
const canMount = process.getuid?.() === 0 && spawnSync("mount", ["--version"]).status === 0;

test.runIf(canMount)(
  "on a full disk input is refused with a clear code, programs wait, nothing is lost, and all goes on when there is room",
  async () => {
    const w = await world({ prepare: (place) => void expect(mount(place)).toBe(true), undo: unmount });
    const me = await w.connect();
    const typed = await w.open(me, {
      name: "typed",
      floor: "open",
      script: `stty raw -echo; echo ready; exec cat >'${w.path("typed.read")}'`,
    });
    const writer = await w.open(me, {
      name: "writer",
      script: `stty -opost; exec 3>'${w.path("written")}'; echo ready; echo ready >&3; until [ -e '${w.path("go")}' ]; do sleep 0.02; done; i=0
      while [ $i -lt 300000 ]; do i=$((i+1)); printf 'line %d of a long output\\n' $i; printf 'line %d of a long output\\n' $i >&3; done; exit 5`,
    });
    for (const s of [typed, writer]) await me.wait(s.id, { match: "ready", fromSeq: 0 });
    const attachment = await me.attach({ session: typed.id }, {});
    expect((await attachment.input(bytes("<before>"))).status).toBe(InputStatus.APPLIED);
    const ballast = join(w.home, "ballast");
    spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=64k"]);
    writeFileSync(w.path("go"), "");
    const sent = ["<before>"];
    let n = 0;
    const refused = await fact("input is refused", async () => {
      const text = `<${n++}>`;
      const o = await attachment.input(bytes(text));
      if (o.status === InputStatus.APPLIED) sent.push(text);
      return o.status === InputStatus.APPLIED ? null : o;
    });
    expect([refused.status, refused.seq, refused.bytes]).toEqual([InputStatus.REFUSED, 0, 0]);
    expect(["journal_frozen", "disk_full", "journal_unwritable"]).toContain(refused.code);
    expect(await refusal(w.open(me, { script: "true" }))).toMatch(/^(journal_frozen|disk_full|journal_unwritable|start_failed)$/);
    expect([lives(typed.pid), lives(writer.pid), (await me.status()).frozen !== ""]).toEqual([true, true, true]);
    // What lives can still be looked at.
    expect((await me.list()).map((s) => s.name).sort()).toEqual(["typed", "writer"]);
    expect(readFileSync(w.path("typed.read"), "latin1")).toBe(sent.join(""));

    spawnSync("mount", ["-o", "remount,size=200m", join(w.place, "state")]);
    rmSync(ballast);
    await fact("input is taken again", async () => {
      const o = await attachment.input(bytes("<after>"));
      if (o.status === InputStatus.APPLIED) sent.push("<after>");
      return o.status === InputStatus.APPLIED;
    });
    expect((await me.wait(writer.id, { exit: true, timeoutMs: 60_000 })).exit?.code).toBe(5);
    for (const client of [me, null]) {
      if (!client) await w.killHost();
      const now = client ?? (await w.connect());
      const journal = await record(now, writer.id);
      expect([journal.gaps, journal.output.equals(readFileSync(w.path("written")))]).toEqual([[], true]);
      const { events } = await record(now, typed.id);
      expect(
        events
          .filter((e) => e.body?.kind.case === "input")
          .map((e) => Buffer.from(e.data).toString())
          .join(""),
      ).toBe(sent.join(""));
    }
    expect(readFileSync(w.path("typed.read"), "latin1")).toBe(sent.join(""));
    say(`refused as ${refused.code}; ${sent.length} frames applied around it`);
  },
  180_000,
);

test.runIf(canMount)(
  "a host that is killed while the disk is full comes back, and loses nothing once there is room",
  async () => {
    const w = await world({ prepare: (place) => void expect(mount(place)).toBe(true), undo: unmount });
    const me = await w.connect();
    const session = await w.open(me, { script: `stty raw -echo; echo ready; exec cat >'${w.path("read")}'` });
    await me.wait(session.id, { match: "ready", fromSeq: 0 });
    await me.send(session.id, bytes("<before>"));
    const ballast = join(w.home, "ballast");
    spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4k"]);
    const { hostPid } = await w.status();
    process.kill(hostPid, "SIGKILL");
    await fact("the keeper has tried again", async () => (await w.status()).hostStarts > 1);
    rmSync(ballast);
    const again = await fact("a host serves", async () => {
      const client = await w.connect();
      return (await client.show(session.id)).pid === session.pid ? client : null;
    });
    await fact("input is taken again", () =>
      again.send(session.id, bytes("<after>"), { take: true }).then(
        () => true,
        () => false,
      ),
    );
    await fact("the program has read it", () => readFileSync(w.path("read"), "latin1").endsWith("<after>"));
    expect(readFileSync(w.path("read"), "latin1")).toBe("<before><after>");
    expect(lives(session.pid)).toBe(true);
  },
);

test("a home that may not be written is refused with its path, and serves when it may", async () => {
  const w = await world();
  await (await w.connect()).down();
  await fact("the host has gone", async () => !(await w.status().catch(() => null)));
  const journal = join(folders.journal(w.home), "ledger");
  // Root writes anywhere: an immutable folder is what a read-only disk is to it.
  const locked = spawnSync("chattr", ["+i", journal]).status === 0;
  if (!locked) chmodSync(journal, 0o500);
  w.atEnd(() => void spawnSync("chattr", ["-i", journal]));
  const refused = locked ? await refusal(w.start(3_000)) : "unreachable";
  expect(refused).toBe("unreachable");
  if (locked) expect(w.log()).toMatch(/EPERM|EROFS|EACCES/);
  spawnSync("chattr", ["-i", journal]);
  chmodSync(journal, 0o700);
  const me = await fact("a host serves", () => w.connect());
  const session = await w.open(me, { script: "echo ready; exec sleep 1000" });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  expect(existsSync(journal)).toBe(true);
});
