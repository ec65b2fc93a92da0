/** One session through the front door: what it is opened with, what it gives back, and how it ends. */
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputStatus, SessionKind, SessionState } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { folders } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { descriptors, fact, lives, ofFolder, parentOf, shimsOf } from "./world/processes.ts";
import { bytes, record, refusal, type World, world } from "./world/world.ts";

/** Nothing, if it was renamed or removed in this moment. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    throw fault;
  }
}

/** Every byte below a folder. */
function onDisk(folder: string): Buffer {
  const parts: Buffer[] = [];
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    // A file may have been put in another's place meanwhile: what it holds is found there.
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) parts.push(readIfThere(path));
  }
  return Buffer.concat(parts);
}

const decode = (b: Uint8Array): string => Buffer.from(b).toString("utf8");

// --- opening ---

test("a program has the command, folder, environment, size, mask and limits that it was opened with, and nothing of the host's", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    name: "as-asked",
    env: { ...w.env, MINE: "ünïcode = and more", TERM: "vt52", TMUX: "outer" },
    size: { cols: 101, rows: 31 },
    group: "g1",
    script: `pwd; echo "$MINE|$TERM|$TMUX|$HOLDFAST_SESSION"; stty size; umask; ulimit -Sn; ls /proc/self/fd | tr '\\n' ' '; tty >/dev/null && echo tty; cat`,
  });
  await me.wait(session.id, { match: "^tty|tty$", fromSeq: 0 });
  const [pwd, env, size, umask, files, fds] = (await record(me, session.id)).output.toString().split("\r\n");
  const expected = process.umask().toString(8).padStart(4, "0");
  expect([pwd, env, size, umask]).toEqual([w.files, `ünïcode = and more|xterm-256color||${session.id}`, "31 101", expected]);
  const parentLimit = /Max open files\s+(\S+)/.exec(readFileSync(`/proc/${process.ppid}/limits`, "utf8"))![1];
  expect(files).toBe(parentLimit);
  expect(fds).toMatch(/^0 1 2 3 /);
  expect(session).toMatchObject({
    kind: SessionKind.PTY,
    state: SessionState.RUNNING,
    group: "g1",
    size: { cols: 101, rows: 31 },
  });
  expect((await me.list({ group: "g1" })).map((s) => s.name)).toEqual(["as-asked"]);
  expect(await me.list({ group: "g2" })).toEqual([]);
});

test("twenty sessions and what they spawn hold no descriptor that is not their own", async () => {
  const w = await world();
  const me = await w.connect();
  const opened = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      w.open(me, { name: `fd${i}`, kind: i % 5 === 4 ? "pipes" : "pty", script: "sleep 1000 & echo ready; wait" }),
    ),
  );
  await Promise.all(opened.map((s) => me.wait(s.id, { match: "ready", fromSeq: 0 })));
  const foreign: string[] = [];
  const owners = new Map<string, string>();
  let looked = 0;
  for (const s of opened) {
    const tree = ofFolder(w.place).filter((pid) => pid === s.pid || parentOf(pid) === s.pid);
    for (const pid of tree) {
      looked++;
      for (const fd of descriptors(pid)) {
        if (fd === "/dev/null") continue;
        const owner = owners.get(fd) ?? s.name;
        owners.set(fd, owner);
        // Its own terminal, or its own pipes, and nobody else's.
        if (owner !== s.name || !fd.startsWith(s.kind === SessionKind.PTY ? "/dev/pts/" : "pipe:"))
          foreign.push(`${s.name} ${pid}: ${fd}, of ${owner}`);
      }
    }
  }
  // Sixteen terminals; of each of four jobs a pipe for each of three streams.
  expect([foreign, looked, owners.size]).toEqual([[], 40, 16 + 4 * 3]);
});

test("names, ids and prefixes find sessions: a live name wins, and what may mean two is refused with both", async () => {
  const w = await world();
  const me = await w.connect();
  const first = await w.open(me, { name: "job", script: "exit 1" });
  await me.wait(first.id, { exit: true });
  expect((await me.show("job")).id).toBe(first.id);
  const second = await w.open(me, { name: "job", script: "exec sleep 1000" });
  expect((await me.show("job")).id).toBe(second.id);
  expect((await me.show(first.id)).exit?.code).toBe(1);
  expect(await refusal(w.open(me, { name: "job", script: "true" }))).toBe("name_taken");
  const same = await me.open({ name: "job", attachIfLives: true, env: w.env, cwd: w.files, command: ["true"] });
  expect([same.existed, same.session.id]).toEqual([true, second.id]);
  await me.rename("job", "work");
  expect((await me.show("job")).id).toBe(first.id);
  expect((await me.show("work")).id).toBe(second.id);
  const other = await w.open(me, { script: "exec sleep 1000" });
  expect(await refusal(me.rename(other.id, "work"))).toBe("name_taken");
  for (const bad of ["", "-x", "../up", "a b", "x".repeat(65), "--help", "a\n"])
    expect([bad, await refusal(me.rename("work", bad))]).toEqual([bad, "bad_request"]);
  expect((await me.show(second.id.slice(0, 7))).id).toBe(second.id);
  await w.killHost();
  const again = await w.connect();
  expect([(await again.show("work")).id, (await again.show("job")).id]).toEqual([second.id, first.id]);
  // Two ids that begin alike are found by opening until there are some.
  const ids = [first.id, second.id, other.id];
  while (!ids.some((a, i) => ids.some((b, j) => i !== j && a.slice(0, 2) === b.slice(0, 2))))
    ids.push((await w.open(again, { script: "true" })).id);
  const twin = ids.map((id) => id.slice(0, 2)).find((p, i, all) => all.indexOf(p) !== i)!;
  expect(await refusal(again.show(twin))).toBe("ambiguous_session");
}, 180_000);

// --- pipes and exec ---

test("a job on pipes has stdout and stderr apart, reads its input to the end, and survives the host", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    kind: "pipes",
    script: "echo out; echo err >&2; n=$(wc -c); echo read $n; echo twice >&2; exit 9",
  });
  await me.wait(session.id, { match: "out", fromSeq: 0 });
  const all = new Uint8Array(300_000).fill(0x61);
  const attachment = await me.attach({ session: session.id }, {});
  expect((await attachment.input(all)).bytes).toBe(all.length);
  await w.killHost();
  const again = await w.connect();
  const end = await again.attach({ session: session.id }, {});
  expect((await end.input(new Uint8Array(0), { eof: true })).status).toBe(InputStatus.APPLIED);
  expect((await again.wait(session.id, { exit: true })).exit?.code).toBe(9);
  const journal = await record(again, session.id);
  expect([journal.stdout.toString(), journal.stderr.toString()]).toEqual([`out\nread ${all.length}\n`, "err\ntwice\n"]);
});

test("exec runs beside the terminal in the shell's folder and environment of now, with its own streams and code", async () => {
  const w = await world();
  const me = await w.connect();
  const shell = await w.open(me, { name: "sh", command: ["/bin/bash"] });
  await me.wait(shell.id, { inputNeeded: true, timeoutMs: 60_000 });
  expect((await me.run("sh", { text: "mkdir -p sub; cd sub; export FRESH=yes; unset LANG" })).code).toBe(0);
  const before = (await record(me, shell.id)).output;
  const streams: Record<1 | 2, string> = { 1: "", 2: "" };
  const result = await me.exec("sh", ["sh", "-c", 'pwd; echo "$FRESH|${LANG-none}"; echo bad >&2; cat; exit 33'], {
    stdin: bytes("from stdin"),
    output: (stream, b) => {
      streams[stream] += decode(b);
    },
  });
  expect([result.exit.code, result.cwd, result.environment]).toEqual([33, join(w.files, "sub"), "prompt"]);
  expect(streams).toEqual({ 1: `${join(w.files, "sub")}\nyes|none\nfrom stdin`, 2: "bad\n" });
  expect((await record(me, shell.id)).output.equals(before)).toBe(true);
  expect(await refusal(me.exec("sh", ["no-such-program"]))).toBe("start_failed");
  expect((await me.exec("sh", ["sh", "-c", "kill -9 $$"])).exit.signal).toBe(9);
  // An exec is no session that a list shows, also after a restart.
  const long = me.exec("sh", ["sleep", "1000"]).catch(() => null);
  await fact("the exec runs", async () =>
    (await me.list({ all: true })).some((s) => s.parent === shell.id && s.state === SessionState.RUNNING),
  );
  expect((await me.list()).map((s) => s.name)).toEqual(["sh"]);
  await w.killHost();
  expect((await (await w.connect()).list()).map((s) => s.name)).toEqual(["sh"]);
  // Nor after one that left its sessions in good order.
  await (await w.connect()).down();
  await fact("keeper and host have gone", async () => !(await w.status().catch(() => null)));
  await w.start();
  const again = await w.connect();
  expect((await again.list()).map((s) => s.name)).toEqual(["sh"]);
  for (const s of await again.list({ all: true })) if (s.parent && s.state === SessionState.RUNNING) await again.kill(s.id, 0);
  await long;
});

// --- run ---

async function run(
  client: HostClient,
  session: string,
  text: string,
): Promise<{ readonly state: string; readonly code: number | null; readonly output: string }> {
  const parts: Buffer[] = [];
  const { state, code } = await client.run(
    session,
    { text },
    { timeoutMs: 20_000, output: (b) => void parts.push(Buffer.from(b)) },
  );
  return { state, code, output: Buffer.concat(parts).toString("utf8") };
}

async function shellOf(w: World, client: HostClient, shell: string): Promise<string> {
  const session = await w.open(client, { name: shell, command: [`/usr/bin/${shell}`], size: { cols: 80, rows: 24 } });
  await client.wait(session.id, { inputNeeded: true, timeoutMs: 60_000 });
  return session.id;
}

test.each(["bash", "zsh", "fish"])(
  "in %s, run gives exactly the output and the code, over several lines, open quotes, Ctrl-C and the shell's own exit",
  async (shell) => {
    const w = await world();
    const me = await w.connect();
    const id = await shellOf(w, me, shell);
    expect(await run(me, id, "echo hello")).toEqual({ state: "ended", code: 0, output: "hello\r\n" });
    expect(await run(me, id, "false")).toMatchObject({ state: "ended", code: 1, output: "" });
    expect(await run(me, id, "sh -c 'printf no-newline; exit 42'")).toMatchObject({
      state: "ended",
      code: 42,
      output: expect.stringContaining("no-newline"),
    });
    expect((await run(me, id, "printf 'a b\\n'\nprintf 'c\\td\\n'")).output.replaceAll("\r", "")).toBe("a b\nc\td\n");
    expect(
      (
        await run(
          me,
          id,
          "for i in 1 2 3\ndo echo line $i\ndone".replace(
            /^for.*$/s,
            shell === "fish" ? "for i in 1 2 3\necho line $i\nend" : "for i in 1 2 3\ndo echo line $i\ndone",
          ),
        )
      ).output,
    ).toBe("line 1\r\nline 2\r\nline 3\r\n");
    if (shell !== "fish") expect((await run(me, id, "cat <<'E'\nfrom a heredoc $X\nE")).output).toBe("from a heredoc $X\r\n");
    expect((await run(me, id, "head -c 200000 /dev/zero | tr '\\0' x")).output.replace(/[^x]/g, "").length).toBe(200_000);
    expect(await run(me, id, "cd /; pwd")).toMatchObject({ code: 0, output: "/\r\n" });
    expect((await run(me, id, "echo 'left open")).state).toBe("incomplete");
    expect(await run(me, id, "echo fine")).toEqual({ state: "ended", code: 0, output: "fine\r\n" });

    // Half a line typed by somebody else is left alone.
    await me.send(id, bytes("echo typ"));
    expect(await refusal(run(me, id, "echo mine"))).toBe("line_not_empty");
    await me.send(id, bytes("ed\r"));
    await me.wait(id, { match: "^typed$", fromSeq: 0 });
    await me.wait(id, { inputNeeded: true, timeoutMs: 60_000 });

    // A command that runs: nothing is typed into it, and Ctrl-C ends it with a code that is not 0.
    const long = run(me, id, "sleep 1000");
    await fact("the command has the terminal", async () => (await me.probe(id)).processes.some((p) => p.includes(" sleep ")));
    expect(await refusal(run(me, id, "echo in between"))).toBe("not_at_prompt");
    await me.send(id, Uint8Array.of(3), { interrupt: true });
    const interrupted = await long;
    expect(["ended", "interrupted"]).toContain(interrupted.state);
    expect([null, 130]).toContain(interrupted.code);

    // Marks never stay on the screen.
    expect((await me.screen(id, { scrollback: 1_000 })).lines.join("\n")).not.toMatch(/633|133;|HOLDFAST|nonce/);
    expect(await run(me, id, "exit 7")).toMatchObject({ state: "ended", code: 7 });
    expect((await me.wait(id, { exit: true })).exit?.code).toBe(7);
    expect(await refusal(run(me, id, "echo late"))).toBe("session_ended");
  },
);

test("run in a program that is no integrated shell is refused, and in a shell whose program takes the terminal it waits for no prompt", async () => {
  const w = await world();
  const me = await w.connect();
  const cat = await w.open(me, { script: "exec cat" });
  expect(await refusal(run(me, cat.id, "echo x"))).toBe("no_integration");
});

// --- waiting ---

test("wait says which of exit, command, match, idle, need of input and timeout came first", async () => {
  const w = await world();
  const me = await w.connect();
  const id = await shellOf(w, me, "bash");
  const command = me.wait(id, { command: true });
  const match = me.wait(id, { match: "^the (needle) is" });
  await me.send(id, bytes("echo the needle is here; (exit 3)\r"));
  expect(await command).toMatchObject({ fired: "command", code: 3 });
  expect(await match).toMatchObject({ fired: "match", text: "the needle is here" });
  expect(await me.wait(id, { idleMs: 50, timeoutMs: 20_000 })).toMatchObject({ fired: "idle" });
  expect(await me.wait(id, { inputNeeded: true, timeoutMs: 60_000 })).toMatchObject({
    fired: "input_needed",
    state: "idle_prompt",
  });
  expect(await me.wait(id, { exit: true, timeoutMs: 30 })).toMatchObject({ fired: "timeout" });
  await me.send(id, bytes("read -s -p 'Password: ' secret\r"));
  await me.wait(id, { match: "Password: ", fromSeq: 0 });
  expect(await me.wait(id, { inputNeeded: true, timeoutMs: 60_000 })).toMatchObject({
    fired: "input_needed",
    state: "waiting_secret",
  });
  await me.send(id, bytes("x\r"));
  await me.wait(id, { inputNeeded: true, timeoutMs: 60_000 });
  await me.send(id, bytes("less /etc/passwd\r"));
  expect(
    await fact("less has the terminal", async () =>
      (await me.probe(id)).state === "interactive_app" ? "interactive_app" : null,
    ),
  ).toBe("interactive_app");
  expect(await me.wait(id, { inputNeeded: true, timeoutMs: 60_000 })).toMatchObject({
    fired: "input_needed",
    state: "interactive_app",
  });
  await me.send(id, bytes("q"));
  await fact("the prompt is back", async () => (await me.probe(id)).state === "idle_prompt");
  expect(await refusal(me.wait(id, { match: "(" }))).toBe("bad_request");
  expect(await refusal(me.wait(id, {}))).toBe("usage");
  const exit = me.wait(id, { exit: true });
  await me.send(id, bytes("exit 4\r"));
  expect(await exit).toMatchObject({ fired: "exit", exit: { code: 4 } });
  expect(await me.wait(id, { exit: true })).toMatchObject({ fired: "exit", exit: { code: 4 } });
});

// --- ending ---

test("a kill ends daemonised grandchildren too, and nothing of the session is left: not its shim, not its socket", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    script: `trap '' HUP TERM; setsid sh -c 'trap "" HUP TERM; (exec </dev/null >/dev/null 2>&1; echo $$ >${w.path("pid")}; while :; do sleep 0.1; done) & exit' ; echo ready; while :; do sleep 0.1; done`,
  });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const daemon = Number(await fact("the daemon has written its pid", () => readFileSync(w.path("pid"), "utf8").trim()));
  const [shim] = shimsOf(w.place);
  await fact("it is the shim's descendant", () => ofFolder(w.place).some((pid) => parentOf(pid) === shim && pid !== session.pid));
  const ended = await me.kill(session.id, 50);
  expect([ended.state, ended.exit?.signal]).toEqual([SessionState.ENDED, 9]);
  await fact("nothing of it lives", () => !lives(daemon) && !lives(session.pid) && shimsOf(w.place).length === 0);
  expect(readdirSync(folders.run(w.home)).filter((f) => f.startsWith(session.id))).toEqual([]);
  expect(await refusal(me.kill(session.id))).toBe("session_ended");
  expect(await refusal(me.signal(session.id, "tree", 15))).toBe("session_ended");
  expect(await refusal(me.send(session.id, bytes("x")))).toBe("session_ended");
});

test("a daemon that outlives its session's end keeps the shim, and its own end lets the shim go", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    script: `setsid sh -c '(exec </dev/null >/dev/null 2>&1; until [ -e ${w.path("go")} ]; do sleep 0.02; done) & exit'; exit 6`,
  });
  expect((await me.wait(session.id, { exit: true })).exit?.code).toBe(6);
  await fact("the terminal is closed for good", async () =>
    (await record(me, session.id)).events.some((e) => e.body?.kind.case === "closed"),
  );
  writeFileSync(w.path("go"), "");
  await fact("the shim has gone", () => shimsOf(w.place).length === 0);
});

test("an ended session is removed with its bytes, a living one only by force", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { name: "gone", script: "printf 'some%s-to-forget\\n' thing; exec sleep 1000" });
  await me.wait(session.id, { match: "something-to-forget", fromSeq: 0 });
  expect(onDisk(folders.journal(w.home)).includes("something-to-forget")).toBe(true);
  expect(await refusal(me.remove("gone"))).toBe("session_running");
  await me.remove("gone", true);
  expect(await refusal(me.show(session.id))).toBe("no_such_session");
  expect(await me.list({ all: true })).toEqual([]);
  await fact("its payload is off the disk", () => !onDisk(folders.journal(w.home)).includes("something-to-forget"));
  await w.killHost();
  const again = await w.connect();
  expect(await again.list({ all: true })).toEqual([]);
  expect(lives(session.pid)).toBe(false);
});

test("a session that was opened with a time to live ends by it, also when the host was restarted meanwhile; others stay", async () => {
  const w = await world();
  const me = await w.connect();
  const [stays, young, old, idle] = await Promise.all([
    w.open(me, { name: "stays", script: "exec sleep 1000" }),
    w.open(me, { name: "young", script: "exec sleep 1000", ttlMs: 300 }),
    w.open(me, { name: "old", script: "exec sleep 1000", ttlMs: 4_000 }),
    w.open(me, { name: "idle", script: "exec sleep 1000", idleTtlMs: 4_500 }),
  ]);
  await me.wait(young.id, { exit: true, timeoutMs: 20_000 });
  expect((await record(me, young.id)).events.find((e) => e.body?.kind.case === "signalled")).toMatchObject({
    actor: "system:policy",
    via: "ttl",
  });
  await w.killHost();
  const again = await w.connect();
  for (const s of [old, idle]) expect(await again.wait(s.id, { exit: true, timeoutMs: 20_000 })).toMatchObject({ fired: "exit" });
  expect((await again.list()).map((s) => s.id)).toEqual([stays.id]);
});

// --- what is kept, and what is not ---

test("a session with --sync-input answers applied only when the frame is on the disk, in order", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, { syncInput: true, script: `stty raw -echo; echo ready; exec cat >'${w.path("read")}'` });
  await me.wait(session.id, { match: "ready", fromSeq: 0 });
  const attachment = await me.attach({ session: session.id }, {});
  const outcomes = await Promise.all(Array.from({ length: 200 }, (_, i) => attachment.input(bytes(`<${i}>`))));
  expect(outcomes.every((o) => o.status === InputStatus.APPLIED)).toBe(true);
  await fact("all of it was read", () => readFileSync(w.path("read"), "utf8").endsWith("<199>"));
  expect(readFileSync(w.path("read"), "utf8")).toBe(Array.from({ length: 200 }, (_, i) => `<${i}>`).join(""));
  const durable = await attachment.input(bytes("last"), { durable: true });
  expect(durable.status).toBe(InputStatus.APPLIED);
});

test("a secret typed where the terminal does not echo is nowhere in the home; that it was typed, by whom and how long, is", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    script: "read -s -p 'Password: ' secret; echo; echo ${#secret} letters; read line; echo got $line",
  });
  await me.wait(session.id, { match: "Password", fromSeq: 0 });
  await me.wait(session.id, { inputNeeded: true, timeoutMs: 60_000 });
  await me.send(session.id, bytes("hunter2-very-secret\n"));
  await me.wait(session.id, { match: "19 letters", fromSeq: 0 });
  await me.send(session.id, bytes("said-aloud\n"));
  await me.wait(session.id, { exit: true });
  const { events } = await record(me, session.id);
  const inputs = events.filter((e) => e.body?.kind.case === "input");
  expect(inputs.map((e) => [e.actor, decode(e.data), e.payload, e.payloadBytes])).toEqual([
    [me.operator.operator!.name, "", "redacted", 20],
    [me.operator.operator!.name, "said-aloud\n", "", 11],
  ]);
  expect(onDisk(w.home).includes("said-aloud")).toBe(true);
  await fact("the secret is off the disk", () => !onDisk(w.home).includes("hunter2-very-secret"));
  await w.killHost();
  expect(onDisk(w.home).includes("hunter2-very-secret")).toBe(false);
});

test("what is redacted is taken off the disk and stays so; the record says that it was, and the rest is untouched", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    name: "spill",
    script:
      "echo before; read -t 0.1 <> <(:); printf 'TOK%s\\n' EN-abcdef-0123456789; read -t 0.1 <> <(:); echo after; exec sleep 1000",
  });
  await me.wait(session.id, { match: "after", fromSeq: 0 });
  const seqs: number[] = [];
  const attachment = await me.attach(
    { session: session.id, mode: "replay", after: 0, quiet: true },
    { output: (o) => void (decode(o.bytes).includes("TOKEN") && seqs.push(o.seq)) },
  );
  await fact("the token was found", () => seqs.length === 1);
  await attachment.detach();
  expect(onDisk(folders.journal(w.home)).includes("TOKEN-abcdef")).toBe(true);
  expect(await me.redact("spill", { seqs, reason: "a token" })).toBe(1);
  await fact("the token is off the disk", () => !onDisk(folders.journal(w.home)).includes("TOKEN-abcdef"));
  for (const next of [async () => me, () => w.killHost().then(() => w.connect())]) {
    const client = await next();
    const journal = await record(client, session.id);
    expect(journal.events.some((e) => e.body?.kind.case === "redacted" && e.body.kind.value.reason === "a token")).toBe(true);
    expect([journal.gaps, journal.holes]).toEqual([[], seqs]);
    expect(journal.output.toString()).not.toContain("TOKEN");
  }
  expect(onDisk(w.home).includes("TOKEN-abcdef")).toBe(false);
});

test("no screen, no checkpoint and no model shows what was redacted, though all of them did", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    name: "shown",
    script: `printf 'before\\r\\n\\033]2;TOK%s\\007TOK%s\\r\\nafter\\r\\n' EN-title EN-shown; exec sleep 1000`,
  });
  await me.wait(session.id, { match: "after", fromSeq: 0 });
  const shown = async (client: typeof me): Promise<string> => {
    const screen = await client.screen(session.id, { vt: true, scrollback: 1000 });
    return `${decode(screen.vt)} ${screen.title} ${(await client.screen(session.id)).lines.join("|")}`;
  };
  expect(await shown(me)).toContain("TOKEN-shown");
  const leftIt = await me.attach({ session: session.id }, {});
  await leftIt.detach();
  await fact("its screen is on the disk", () => onDisk(folders.checkpoints(w.home)).includes("TOKEN-shown"));
  expect(await shown(me)).toContain("TOKEN-shown");
  const [hit] = await me.search(session.id, "TOKEN-shown");
  // A screen that is being taken meanwhile is of before or of after.
  await Promise.all([me.screen(session.id), me.redact("shown", { seqs: [Number(hit!.seq)], reason: "a token" })]);
  expect(onDisk(folders.checkpoints(w.home)).includes("TOKEN-")).toBe(false);
  await fact("the token is off the disk", () => !onDisk(w.home).includes("TOKEN-"));
  for (const next of [async () => me, () => w.killHost().then(() => w.connect())]) {
    const client = await next();
    expect(await shown(client)).not.toContain("TOKEN-");
    let vt = "";
    const attachment = await client.attach(
      { session: session.id, scrollback: 1000 },
      { snapshot: (s) => void (vt += decode(s.vt)) },
    );
    await fact("the screen is drawn", () => vt !== "");
    expect(vt).not.toContain("TOKEN-");
    await attachment.detach();
  }
  await fact("a checkpoint is made anew", () => onDisk(folders.checkpoints(w.home)).length > 0);
  expect(onDisk(w.home).includes("TOKEN-")).toBe(false);
});

test("search finds lines of the whole history, newest first, by text in smart case or by pattern, without their colours", async () => {
  const w = await world();
  const me = await w.connect();
  const session = await w.open(me, {
    script:
      "for i in $(seq 1 3000); do echo line $i; done; printf '\\033[31mRed\\033[0m Herring\\n'; echo red shoe; exec sleep 1000",
  });
  await me.wait(session.id, { match: "red shoe", fromSeq: 0 });
  expect((await me.search(session.id, "red")).map((h) => h.line)).toEqual(["red shoe", "Red Herring"]);
  expect((await me.search(session.id, "Red")).map((h) => h.line)).toEqual(["Red Herring"]);
  expect((await me.search(session.id, "^line 29\\d\\d$", { regex: true, limit: 2 })).map((h) => h.line)).toEqual([
    "line 2999",
    "line 2998",
  ]);
  const [first] = await me.search(session.id, "line 1500");
  expect((await me.search(session.id, "line", { beforeOffset: Number(first!.offset), limit: 1 }))[0]?.line).toBe("line 1499");
  expect(await refusal(me.search(session.id, "(", { regex: true }))).toBe("bad_request");
});
