/** Stock OpenSSH clients against a real host: `ssh`, `sftp`, `scp`. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { OperatorKind, SessionState } from "@holdfast/protocol";
import type { HostClient } from "@holdfast/sdk";
import { connectUnix } from "@holdfast/carrier";
import { connect, files, joinHost } from "@holdfast/sdk/node";
import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { listener } from "./world/ports.ts";
import { fact, lives, rssKib } from "./world/processes.ts";
import { sha256Of, SshUser } from "./world/ssh.ts";
import { record, soak, type World, world } from "./world/world.ts";

interface Scene {
  readonly w: World;
  readonly url: string;
  readonly admin: HostClient;
  readonly ana: SshUser;
}

/** A host that listens for ssh, and ana with a key of hers. */
async function scene(): Promise<Scene> {
  const w = await world({ starts: false });
  const url = await w.listenSsh();
  return { w, url, admin: await w.connect(), ana: await SshUser.operator(w, url, "ana") };
}

const noise = (bytes: number): Buffer => {
  const out = Buffer.alloc(bytes);
  let state = 12345;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out[i] = state >>> 16;
  }
  return out;
};

test("a command's output, errors, input and code come whole and apart, under the key's operator", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work" });
  const done = await ana.exec("work", "pwd; echo oops >&2; exit 7");
  expect(done).toEqual({ out: Buffer.from(`${w.files}\n`), err: "oops\n", code: 7 });
  const sent = noise(3_000_000);
  const back = await ana.exec("work", "cat", sent);
  expect(back.code).toBe(0);
  expect(back.out.equals(sent)).toBe(true);
  // What the program does not read is nobody's, and its end comes all the same.
  expect(await ana.exec("work", "head -c 3 | wc -c; exit 4", sent)).toEqual({ out: Buffer.from("3\n"), err: "", code: 4 });
  const { events } = await record(admin, (await childOf(admin, session.id)) ?? "");
  const opened = events.find((e) => e.body?.kind.case === "opened");
  expect([opened?.actor, opened?.via]).toEqual(["ana", "ssh"]);
});

/** The latest command beside a session. */
async function childOf(client: HostClient, parent: string): Promise<string | undefined> {
  return (await client.list({ all: true })).filter((s) => s.parent === parent).at(-1)?.id;
}

test("both streams of a command may pour at once, and neither is doubled or cut", async () => {
  const { w, admin, ana } = await scene();
  await w.open(admin, { name: "work" });
  const script =
    "import os,threading\ndef pour(fd,c):\n  for _ in range(300): os.write(fd, c*16384)\na=threading.Thread(target=pour,args=(1,b'o'));b=threading.Thread(target=pour,args=(2,b'e'))\na.start();b.start();a.join();b.join()";
  const { out, err, code } = await ana.exec("work", `python3 -c "${script}"`);
  expect([out.length, err.length, code]).toEqual([300 * 16_384, 300 * 16_384, 0]);
  expect(/^o*$/.test(out.toString()) && /^e*$/.test(err)).toBe(true);
});

test("every exit code from 0 to 255 arrives as it was, over one connection", async () => {
  const { w, admin, ana } = await scene();
  await w.open(admin, { name: "work" });
  const control = `${w.place}/ssh/control`;
  const master = ana.ssh("work", [], { options: ["-M", "-S", control, "-N"] });
  await fact("the master listens", () => statSync(control, { throwIfNoEntry: false })?.isSocket());
  const codes: (number | null)[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let code = next++; code < 256; code = next++)
        codes[code] = (await ana.ssh("work", [`exit ${code}`], { options: ["-S", control] }).done).code;
    }),
  );
  expect(codes).toEqual(Array.from({ length: 256 }, (_, i) => i));
  master.child.kill();
  await master.done;
});

test("a signal that ends a command, and one that the client sends, go by their names", async () => {
  const { w, admin, ana } = await scene();
  await w.open(admin, { name: "work" });
  expect((await ana.exec("work", "kill -TERM $$")).code).toBe(255);
  const client = await connected(w, ana, "work");
  const ended = (command: string, then: (stream: ssh2.ClientChannel) => void): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      client.exec(command, (fault, stream) => {
        if (fault) return reject(fault);
        stream.on("exit", (...how: unknown[]) => resolve(how));
        stream.resume();
        then(stream);
      });
    });
  expect(await ended("kill -KILL $$", () => {})).toEqual([null, "SIGKILL", false, ""]);
  const how = await ended("trap 'echo got; exit 9' INT; echo ready; while :; do sleep 0.02; done", (stream) =>
    stream.once("data", () => stream.signal("INT")),
  );
  expect(how).toEqual([9]);
});

/** The library's own client, for what OpenSSH's never sends. */
function connected(w: World, user: SshUser, session: string): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  w.atEnd(() => client.destroy());
  return new Promise((resolve, reject) => {
    client.once("ready", () => resolve(client)).once("error", reject);
    client.connect({ host: "127.0.0.1", port: user.port, username: session, privateKey: readFileSync(user.key) });
  });
}

test("who stops reading a command's output, or leaves, ends it; a connection that breaks does not", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work" });
  const pidOf = async (): Promise<number> =>
    fact("the command runs", async () => {
      const child = await childOf(admin, session.id);
      return child ? (await admin.show(child)).pid : null;
    });
  const unread = ana.ssh("work", ["while echo y; do sleep 0.01; done"]);
  await unread.says("y");
  const pouring = await pidOf();
  unread.child.stdout!.destroy();
  await fact("nobody reads it, and it ends", () => !lives(pouring));
  const left = ana.ssh("work", ["echo here; exec sleep 1000"]);
  await left.says("here");
  const sleeping = await pidOf();
  left.child.kill("SIGINT");
  await fact("its client left, and it ends", () => !lives(sleeping));
  const { links } = await admin.status();
  const broken = ana.ssh("work", ["echo there; exec sleep 1000"]);
  await broken.says("there");
  const kept = await pidOf();
  broken.child.kill("SIGKILL");
  await broken.done;
  await fact("the connection is gone", async () => (await admin.status()).links === links);
  expect(lives(kept)).toBe(true);
});

test("an unknown session, and a key that is nobody's, are told apart from each other and from a program's own end", async () => {
  const { w, url, admin, ana } = await scene();
  await w.open(admin, { name: "work" });
  for (const command of [["true"], []]) {
    const { err, code } = await ana.ssh("wrok", command).done;
    expect([err, code]).toEqual([expect.stringMatching(/no_such_session.*did you mean work/), 3]);
  }
  const stranger = SshUser.stranger(w, url, "stranger");
  const refused = await stranger.exec("work", "true");
  expect([refused.err, refused.code]).toEqual([expect.stringContaining("Permission denied (publickey)"), 255]);
  // One who was revoked hears the same, and no other way in is offered.
  await admin.operatorRevoke("ana");
  expect((await ana.exec("work", "true")).err).toBe(refused.err);
  const other = await ana.ssh("work", ["true"], {
    options: [
      "-o",
      "PreferredAuthentications=password,keyboard-interactive",
      "-o",
      "BatchMode=no",
      "-o",
      "NumberOfPasswordPrompts=1",
    ],
  }).done;
  expect(other.err).toContain("Permission denied (publickey)");
});

test("on a terminal the session's screen is drawn at once, keys are the operator's, the size follows, and Ctrl-q d leaves it running", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work", script: "echo before; exec bash --norc" });
  const outer = await w.open(admin, {
    name: "outer",
    size: { cols: 91, rows: 33 },
    command: ["ssh", "-tt", "-p", String(ana.port), ...ana.options(), "work@127.0.0.1"],
  });
  const shows = (text: string): Promise<unknown> =>
    fact(`the client's terminal shows ${text}`, async () => (await admin.screen(outer.id)).lines.join("\n").includes(text));
  await shows("before");
  await admin.send(outer.id, Buffer.from("stty size; echo $((6*7))\r"));
  await shows("33 91");
  await shows("\n42");
  await admin.resize(outer.id, { cols: 100, rows: 40 });
  await fact("the session has the new size", async () => (await admin.show(session.id)).size?.cols === 100);
  await admin.send(outer.id, Buffer.from("\x11"));
  await admin.send(outer.id, Buffer.from("d"));
  await fact("the client is gone", async () => (await admin.show(outer.id)).state === SessionState.ENDED);
  expect((await admin.show(outer.id)).exit?.code).toBe(0);
  expect((await admin.screen(outer.id)).lines.join("\n")).toContain("[detached from work]");
  const { pid, state } = await admin.show(session.id);
  expect([pid, state]).toEqual([session.pid, SessionState.RUNNING]);
  const { events } = await record(admin, session.id);
  const typed = events.filter((e) => e.body?.kind.case === "input" && e.via === "ssh");
  expect(new Set(typed.map((e) => e.actor))).toEqual(new Set(["ana"]));
});

test("with -tt and without a terminal's size, a script types and gets the session's exit code", async () => {
  const { w, admin, ana } = await scene();
  await w.open(admin, { name: "work", command: ["bash", "--norc"] });
  const client = ana.ssh("work", [], { options: ["-tt"], stdin: "open" });
  await client.says("#");
  client.type("echo $((40+2)); exit 7\r");
  const { out, code } = await client.done;
  expect(code).toBe(7);
  expect(out.toString()).toContain("42");
});

test("a command with -t has a terminal of its own beside the session's, in the client's size, and its interrupts are felt", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work" });
  const outer = await w.open(admin, {
    name: "outer",
    size: { cols: 70, rows: 20 },
    command: ["ssh", "-t", "-p", String(ana.port), ...ana.options(), "work@127.0.0.1", "tty; stty size; sleep 1000; exit 6"],
  });
  const shows = (text: string): Promise<unknown> =>
    fact(`the client's terminal shows ${text}`, async () => (await admin.screen(outer.id)).lines.join("\n").includes(text));
  await shows("20 70");
  await shows("/dev/pts/");
  await admin.resize(outer.id, { cols: 71, rows: 21 });
  const child = (await childOf(admin, session.id))!;
  await fact("it has the new size", async () => (await admin.show(child)).size?.cols === 71);
  await admin.send(outer.id, Buffer.from("\x03"), { interrupt: true });
  await fact("it is over", async () => (await admin.show(outer.id)).state === SessionState.ENDED);
  expect((await admin.show(child)).exit?.signal).toBe(2);
  expect((await admin.show(session.id)).size?.cols).not.toBe(71);
});

test("a session on pipes is followed with its streams apart, and one who comes without input closes nobody's", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, {
    name: "job",
    kind: "pipes",
    script: 'while read -r line; do echo "<$line>"; echo "[$line]" >&2; [ "$line" = end ] && exit 5; done',
  });
  await fact("it runs", async () => (await admin.show(session.id)).state === SessionState.RUNNING);
  const watcher = ana.ssh("job", []);
  const client = ana.ssh("job", [], { stdin: "open" });
  client.type("one\n");
  await client.says("<one>");
  await watcher.says("<one>");
  client.type("end\n");
  const done = await client.done;
  expect([done.out.toString(), done.err, done.code]).toEqual(["<one>\n<end>\n", "[one]\n[end]\n", 5]);
  expect((await watcher.done).code).toBe(5);
});

test("an observer sees the screen on a terminal of another size, and what they type goes nowhere", async () => {
  const { w, url, admin } = await scene();
  const eve = await SshUser.operator(w, url, "eve", { role: "observer" });
  const session = await w.open(admin, {
    name: "work",
    size: { cols: 120, rows: 40 },
    script:
      "stty -echo; printf 'top left\\033[40;90Hthe far corner\\033[2;1H'; read -r go; printf '\\033[40;100Hnow here'; sleep 1000",
  });
  const outer = await w.open(admin, {
    name: "outer",
    size: { cols: 60, rows: 15 },
    command: ["ssh", "-tt", "-p", String(eve.port), ...eve.options(), "work@127.0.0.1"],
  });
  const shown = async (): Promise<string> => (await admin.screen(outer.id)).lines.join("\n");
  await fact("the screen is drawn", async () => (await shown()).includes("top left"));
  expect(await shown()).not.toContain("corner");
  await admin.send(session.id, Buffer.from("go\n"));
  await fact("the window follows the cursor", async () => (await shown()).includes("now here"));
  await admin.send(outer.id, Buffer.from("x"));
  await fact("it is refused", async () => (await shown()).includes("not_permitted"));
  const { events } = await record(admin, session.id);
  expect(events.filter((e) => e.body?.kind.case === "input").map((e) => e.actor)).not.toContain("eve");
  expect((await eve.exec("work", "true")).code).toBe(4);
});

test("the observe subsystem shows what goes on to one who could type, and takes nothing", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work", script: "stty -echo; echo up; cat" });
  const client = ana.ssh("work", ["observe"], { options: ["-s"], stdin: "open" });
  await client.says("up");
  client.type("not this\n");
  await admin.send(session.id, Buffer.from("this\n"));
  await client.says("this");
  const { events } = await record(admin, session.id);
  expect(events.filter((e) => e.body?.kind.case === "input" && e.actor === "ana")).toEqual([]);
  expect((await admin.show(session.id)).operators).toMatchObject([{ operator: "ana", via: "ssh", observing: true }]);
});

test("who may not take the floor is told so on their terminal, and may type again when it is free", async () => {
  const { w, url, admin, ana } = await scene();
  const bob = await SshUser.operator(w, url, "bob", { kind: OperatorKind.SERVICE });
  const session = await w.open(admin, { name: "work", script: "stty -echo; cat" });
  const anas = ana.ssh("work", [], { options: ["-tt"], stdin: "open" });
  anas.type("mine\r");
  await anas.says("mine");
  const bobs = bob.ssh("work", [], { options: ["-tt"], stdin: "open" });
  await fact("bob is there", async () => (await admin.show(session.id)).operators.length === 2);
  bobs.type("x");
  await bobs.says("floor_held");
  anas.type("\x11r");
  await fact("the floor is free", async () => (await admin.show(session.id)).floor?.holder === "");
  bobs.type("his\r");
  await bobs.says("his");
});

test("an operator who is revoked is out at once, and told why", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work", script: "echo up; sleep 1000" });
  const client = ana.ssh("work", [], { options: ["-tt"], stdin: "open" });
  await client.says("up");
  await admin.operatorRevoke("ana");
  const { out, err, code } = await client.done;
  expect([code, `${out}${err}`]).toEqual([4, expect.stringContaining("revoked")]);
  expect((await admin.show(session.id)).state).toBe(SessionState.RUNNING);
});

test("a key that is revoked alone is out at once, and its operator's other keys are not", async () => {
  const { w, admin, ana } = await scene();
  await w.open(admin, { name: "work", script: "echo up; sleep 1000" });
  const { token, hostKey } = await admin.invite({ operator: "ana" });
  const dial: Parameters<typeof joinHost>[0]["dial"] = (accept) => connectUnix(files.socket(w.home), accept);
  await joinHost({ home: w.home, dial, hostKey, token, name: "anas-laptop" });
  const laptop = await w.connect("anas-laptop");
  const client = ana.ssh("work", [], { options: ["-tt"], stdin: "open" });
  await client.says("up");
  const { keyIds } = (await laptop.whoami()).operator!;
  expect(keyIds).toHaveLength(2);
  await admin.keyRevoke("ana", Buffer.from(keyIds[0]!).toString("hex"));
  const { out, err, code } = await client.done;
  expect([code, `${out}${err}`]).toEqual([4, expect.stringContaining("revoked")]);
  expect((await ana.exec("work", "true")).err).toContain("Permission denied (publickey)");
  expect((await laptop.whoami()).operator?.name).toBe("ana");
});

test("the host's death costs a session nothing: who comes again finds the same process and the same host key", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, { name: "work", command: ["bash", "--norc"] });
  const before = ana.ssh("work", [], { options: ["-tt"], stdin: "open" });
  await before.says("#");
  const known = readFileSync(ana.knownHosts, "utf8");
  const key = statSync(files.sshHostKey(w.home));
  expect(key.mode & 0o777).toBe(0o600);
  await w.killHost();
  expect((await before.done).code).toBe(255);
  // Strict from here on: another key would be refused.
  const again = ana.ssh("work", [], { options: ["-tt", "-o", "StrictHostKeyChecking=yes"], stdin: "open" });
  again.type("echo pid $$\r");
  await again.says(`pid ${session.pid}`);
  expect(readFileSync(ana.knownHosts, "utf8")).toBe(known);
  expect((await (await w.connect()).status()).sshHostKey).toBe(known.trim().split(" ").slice(1).join(" "));
});

test(
  "sftp and scp carry files whole both ways, and the record says who read and wrote what",
  async () => {
    const { w, admin, ana } = await scene();
    const session = await w.open(admin, { name: "work" });
    const bytes = soak ? 1024 ** 3 : 40 * 1024 * 1024;
    const big = `${w.place}/big`;
    const piece = noise(1024 * 1024);
    writeFileSync(big, "");
    for (let at = 0; at < bytes; at += piece.length) writeFileSync(big, piece, { flag: "a" });
    const sum = await sha256Of(big);
    const pid = await w.hostPid();
    const rss = rssKib(pid);
    const put = await ana.sftp(
      "work",
      `put ${big} there\nls -l\nget there ${w.place}/back\nmkdir deep\nrename there deep/moved\nln -s deep/moved mark\nget mark ${w.place}/marked\nrm mark\nrm deep/moved\nrmdir deep\npwd\n`,
    );
    expect([put.err, put.code]).toEqual(["", 0]);
    expect(put.out.toString()).toMatch(new RegExp(`-rw-r--r-- .* ${bytes} .* there`));
    expect(put.out.toString()).toContain(`Remote working directory: ${w.files}`);
    expect(await sha256Of(`${w.place}/back`)).toBe(sum);
    expect((await ana.scp("work", big, ":copied")).code).toBe(0);
    expect(await sha256Of(w.path("copied"))).toBe(sum);
    expect((await ana.scp("work", ":copied", `${w.place}/again`)).code).toBe(0);
    expect(await sha256Of(`${w.place}/again`)).toBe(sum);
    expect(rssKib(pid) - rss).toBeLessThan(128 * 1024);
    const { events } = await record(admin, session.id);
    const uses = events.flatMap((e) =>
      e.body?.kind.case === "fileUsed" ? [{ actor: e.actor, via: e.via, ...e.body.kind.value }] : [],
    );
    expect(
      uses.map((u) => [
        u.actor,
        u.via,
        u.op,
        u.path.slice(w.files.length + 1),
        Number(u.bytes),
        Buffer.from(u.sha256).toString("hex"),
      ]),
    ).toEqual([
      ["ana", "ssh", "write", "there", bytes, sum],
      ["ana", "ssh", "read", "there", bytes, sum],
      ["ana", "ssh", "read", "mark", bytes, sum],
      ["ana", "ssh", "write", "copied", bytes, sum],
      ["ana", "ssh", "read", "copied", bytes, sum],
    ]);
    const notes = events.flatMap((e) => (e.body?.kind.case === "note" ? [e.body.kind.value.text] : []));
    expect(notes.some((text) => text.includes("renamed") && text.includes("deep/moved"))).toBe(true);
  },
  soak ? 900_000 : undefined,
);

test("an observer is given no files, and nobody what the session's user may not read", async () => {
  const { w, url, admin, ana } = await scene();
  const eve = await SshUser.operator(w, url, "eve", { role: "observer" });
  await w.open(admin, { name: "work" });
  writeFileSync(w.path("plain"), "text");
  const refused = await eve.sftp("work", `get plain ${w.place}/stolen\n`);
  expect([refused.code, `${refused.out}${refused.err}`]).not.toEqual([0, expect.anything()]);
  expect(statSync(`${w.place}/stolen`, { throwIfNoEntry: false })).toBeUndefined();
  expect((await ana.sftp("work", "get missing\n")).err).toContain("not found");
  expect((await ana.sftp("nowork", "ls\n")).err).toContain("no_such_session");
});

test("-L leads to a port of the session on the machine's loopback, is recorded, and leads nowhere else", async () => {
  const { w, admin, ana } = await scene();
  writeFileSync(w.path("page"), "a".repeat(3_000_000));
  const { session, port: to } = await listener(w, admin, "HTTP", "work");
  const idle = await w.open(admin, { name: "idle", script: "exec sleep 1000" });
  const through = async (target: string, name = "work"): Promise<number> => {
    const done = await ana.ssh(name, [], { options: ["-W", target], stdin: Buffer.from("GET /page HTTP/1.0\r\n\r\n") }).done;
    return done.out.toString().match(/a*$/)![0].length;
  };
  expect(await through(`127.0.0.1:${to}`)).toBe(3_000_000);
  expect(await through(`localhost:${to}`)).toBe(3_000_000);
  expect(await through(`169.254.169.254:80`)).toBe(0);
  expect(await through(`127.0.0.2:${to}`)).toBe(0);
  expect(await through(`127.0.0.1:${to}`, "idle")).toBe(0);
  const visits = async (id: string): Promise<string[]> =>
    (await record(admin, id)).events.flatMap((e) =>
      e.body?.kind.case === "portUsed"
        ? [`${e.actor} ${e.via} ${e.body.kind.value.port} ${e.body.kind.value.over ? "left" : "came"}`]
        : [],
    );
  await fact("both visits are recorded", async () => (await visits(session.id)).length === 4);
  expect(new Set(await visits(session.id))).toEqual(new Set([`ana ssh ${to} came`, `ana ssh ${to} left`]));
  expect(await visits(idle.id)).toEqual([]);
});

test("a connection of an AI through -L ends when AIs are paused, and none is made until they are resumed; a person's goes on", async () => {
  const { w, url, admin, ana } = await scene();
  const bot = await SshUser.operator(w, url, "bot", { kind: OperatorKind.AI });
  const { session, port: to } = await listener(w, admin, "HEAR", "work");
  const heard = (): string => readFileSync(w.path("heard"), "utf8");
  const forward = (user: SshUser) => user.ssh("work", [], { options: ["-W", `127.0.0.1:${to}`], stdin: "open" });
  const [theirs, persons] = [forward(bot), forward(ana)];
  theirs.type("of the AI\n");
  persons.type("of a person\n");
  await fact("both reach the port", () => heard().includes("of the AI") && heard().includes("of a person"));
  await admin.floor(session.id, "ai_pause");
  await theirs.done;
  const another = forward(bot);
  another.type("of a paused AI\n");
  await another.done;
  persons.type("still of a person\n");
  await fact("a person's goes on", () => heard().includes("still of a person"));
  expect(heard()).not.toContain("paused");
  await admin.floor(session.id, "ai_resume");
  forward(bot).type("again of the AI\n");
  await fact("an AI may again", () => heard().includes("again of the AI"));
});

test("the SDK comes through ssh by the ssh key alone, and comes back after the host's death", async () => {
  const { w, ana } = await scene();
  const client = await connect({ ssh: `127.0.0.1:${ana.port}`, program: ["ssh", ...ana.options()], timeoutMs: 60_000 });
  w.atEnd(() => client.close());
  expect(client.operator.operator?.id).toBe("ana");
  const { session } = await client.open({
    name: "far",
    command: ["sh", "-c", 'stty -echo; while read -r line; do echo "<$line>"; done'],
  });
  let out = "";
  const attachment = await client.attach(
    { session: session.id, mode: "replay" },
    {
      output: ({ bytes }) => void (out += Buffer.from(bytes).toString()),
      // A host that took long to come back: nobody is there to be asked whether it is still to be sent.
      held: (count) => void (count > 0 && attachment.flushHeld()),
    },
  );
  const lines = Array.from({ length: 20 }, (_, i) => `line ${i}`);
  for (const [i, text] of lines.entries()) {
    const told = attachment.input(Buffer.from(`${text}\n`));
    if (i === 10) await w.killHost();
    await told;
  }
  await fact("all lines came back", () => out.includes("<line 19>"));
  expect(out.replaceAll("\r", "").trim().split("\n")).toEqual(lines.map((text) => `<${text}>`));
  await attachment.detach();
});

test("a client that never reads holds no more than its window in the host, and nobody else up", async () => {
  const { w, admin, ana } = await scene();
  const session = await w.open(admin, {
    name: "work",
    script: "yes 0123456789012345678901234567890123456789012345678901234567890123456789",
  });
  const pid = await w.hostPid();
  const stalled = ana.ssh("work", [], { options: ["-tt"] });
  await stalled.says("0123");
  stalled.child.kill("SIGSTOP");
  const from = Number((await admin.show(session.id)).outputBytes);
  const rss = rssKib(pid);
  const more = 100 * 1024 * 1024;
  await fact("the session prints on", async () => Number((await admin.show(session.id)).outputBytes) > from + more, 120_000);
  expect((await ana.exec("work", "echo well")).out.toString()).toBe("well\n");
  expect(rssKib(pid) - rss).toBeLessThan(64 * 1024);
  stalled.child.kill("SIGKILL");
});
