/** A real relay, hosts that dial it, and operators who come through it: by the SDK and by the command line. */
import { spawn, spawnSync } from "node:child_process";
import { connect as connectTcp } from "node:net";
import { InputStatus, SessionState } from "@holdfast/protocol";
import { expect, onTestFinished, test } from "vitest";
import { held, hold, holdPath, machine } from "./world/hold.ts";
import { fact, kill, rssKib } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { answering, reach, steersThroughCuts } from "./world/steered.ts";
import { wire } from "./world/wire.ts";
import { bytes, record, refusal, say, world } from "./world/world.ts";

/** `relay+http://` of what stands before a relay, for this host. */
const through = (url: string, host = "box"): string => `${url.replace(/^\w+:/, "relay+http:")}/${host}`;

const listeningPids = (): string => spawnSync("ss", ["-ltnpH"], { encoding: "utf8" }).stdout;

test("a newcomer's path: a relay, a host that joins it, a session that is shared, a guest who sees it; the host opens no port", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  expect(listeningPids()).toContain(`pid=${relay.pid},`);
  const [, , , url = "", , token = ""] = relay.join.split(" ");
  const address = await held(w, "host", "join", url, "--token", token, "--name", "box");
  expect(address).toBe(through(relay.url));
  const hostPid = await w.hostPid();
  expect(listeningPids()).not.toContain(`pid=${hostPid},`);
  const local = await w.connect();
  const session = await w.open(local, { name: "shown", script: "echo here it is; cat" });
  const invite = (await held(w, "share", "shown", "--role", "operator")).split("\n").at(-1)!;
  expect(invite).toMatch(/^hold1\./);
  const laptop = machine(w, "laptop");
  // What the guest's terminal shows, typed through and back.
  const screen = await w.open(local, { name: "laptop", env: laptop.env, command: [holdPath, "join", invite] });
  const shows = (text: string): Promise<boolean> =>
    fact(`the guest sees ${text}`, async () => {
      const seen = (await local.screen(screen.id)).lines.join("\n");
      if (!seen.includes(text)) throw new Error(seen);
      return true;
    });
  await shows("here it is");
  const guest = await local.attach({ session: screen.id }, {});
  expect((await guest.input(bytes("typed by the guest\n"))).status).toBe(InputStatus.APPLIED);
  await shows("typed by the guest\ntyped by the guest");
  const { events } = await record(local, session.id);
  expect(events.flatMap((e) => (e.body?.kind.case === "attached" ? [e.body.kind.value.carrier] : []))).toContain("grpc");
  const again = await hold(machine(w, "another"), "join", invite);
  expect([again.code === 0, again.err]).toEqual([false, expect.stringMatching(/invitation_unknown|unreachable/)]);
});

test("an invitation whose address of a relay is written in another way leads to the same place: who took it up is known there", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  await relay.joinedBy(await w.connect(), "box");
  const at = through(relay.url).replace("127.0.0.1", "LocalHost");
  const { invite } = JSON.parse(await held(w, "operator", "invite", "ana", "--at", at, "--json")) as { invite: string };
  const laptop = machine(w, "laptop");
  await held(laptop, "join", invite, "--no-attach");
  for (const address of [at, at.toLowerCase()])
    expect(JSON.parse(await held(laptop, "--host", address, "whoami", "--json"))).toMatchObject({ name: "ana" });
});

test("one operator through a relay steers one session; a cut wire and a killed host lose nothing and double nothing", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  await relay.joinedBy(local, "box");
  const lane = await wire(w, relay.url);
  const client = await reach(w, through(lane.url));
  expect((await client.whoami()).operator?.id).toBe((await local.whoami()).operator?.id);
  const session = await answering(w, local);
  await steersThroughCuts(w, client, () => lane.cut());
  expect((await (await w.connect()).show(session.id)).pid).toBe(session.pid);
});

test("a relay that is killed in mid-stream and started again costs no session anything: the attachment is back by itself, each byte once", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  await relay.joinedBy(local, "box");
  const session = await w.open(local, {
    name: "stream",
    script:
      'stty -echo; (for i in $(seq 1 1000); do echo "$i"; sleep 0.005; done; echo over) & while read -r l; do echo "<$l>"; done',
  });
  const client = await reach(w, through(relay.url));
  let [out, end, resumed] = ["", 0, 0];
  const breaks: number[] = [];
  const attachment = await client.attach(
    { session: "stream", mode: "replay", after: 0 },
    {
      output: ({ offset, bytes: piece }) => {
        if (offset !== end) breaks.push(offset);
        end = offset + piece.length;
        out += Buffer.from(piece).toString();
      },
      link: (state, { resumed: again }) => void (state === "attached" && again && resumed++),
      // A busy machine may be without a link for more than 5 s: what is typed then goes out on its word.
      held: () => attachment.flushHeld(),
    },
  );
  const times: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    const from = out.length;
    await fact("it streams", () => out.length > from + 200);
    const typed = attachment.input(
      bytes(`turn ${turn}
`),
    );
    await relay.kill();
    const away = attachment.input(
      bytes(`away ${turn}
`),
    );
    const [seen, output] = [(await local.show(session.id)).seq, out.length];
    await fact("the session runs on without it", async () => (await local.show(session.id)).seq > seen + 5n);
    await relay.start();
    const back = performance.now();
    await fact("output comes again", () => out.length > output);
    times.push(performance.now() - back);
    expect([(await typed).status, (await away).status]).toEqual([InputStatus.APPLIED, InputStatus.APPLIED]);
  }
  await fact("the stream is over", () => out.includes("over") && out.includes("<away 2>"));
  const lines = out.replaceAll("\r", "").trim().split("\n");
  expect(lines.filter((l) => /^\d+$/.test(l))).toEqual(Array.from({ length: 1000 }, (_, i) => String(i + 1)));
  expect(lines.filter((l) => l.startsWith("<"))).toEqual([0, 1, 2].flatMap((turn) => [`<turn ${turn}>`, `<away ${turn}>`]));
  expect([breaks, resumed >= 3]).toEqual([[], true]);
  expect((await local.show(session.id)).pid).toBe(session.pid);
  say(`back ${times.map((ms) => `${Math.round(ms)} ms`).join(", ")} after the relay was`);
});

test("who is revoked on the host is out of the tunnel within a second; a key or a host that the relay's keeper puts out, too", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  const address = await relay.joinedBy(local, "box");
  const session = await w.open(local, { name: "shown", script: "cat" });
  const admin = { env: w.env };
  const folder = w.path("relay");
  const attachedAs = async (name: string): Promise<{ readonly gone: Promise<string> }> => {
    const client = await reach(w, address, { as: name });
    const gone = new Promise<string>((detached) => void client.attach({ session: session.id }, { detached }));
    await fact(`${name} is there`, async () => (await local.show(session.id)).operators.some((o) => o.operator === name));
    return { gone };
  };
  const hosts = async (): Promise<{ tunnels: number; online: boolean }> =>
    JSON.parse(await held(admin, "relay", "hosts", "--folder", folder, "--json")) as { tunnels: number; online: boolean };

  await w.operator("ana");
  const ana = await attachedAs("ana");
  let from = performance.now();
  await local.operatorRevoke("ana");
  expect(await Promise.race([ana.gone, fact("ana is told", () => null, 5_000)])).toBe("revoked");
  expect(performance.now() - from).toBeLessThan(1_000);
  await expect(reach(w, address, { as: "ana", timeoutMs: 5_000 })).rejects.toMatchObject({ code: "unreachable" });

  await w.operator("ben");
  await attachedAs("ben");
  const operators = (await held(admin, "relay", "operators", "--folder", folder, "--json"))
    .split("\n")
    .map((l) => JSON.parse(l) as { keyId: string; tunnels: number });
  const tunnelsOf = operators.filter((o) => o.tunnels > 0);
  expect(tunnelsOf).toHaveLength(1);
  from = performance.now();
  await held(admin, "relay", "revoke", tunnelsOf[0]!.keyId, "--folder", folder);
  await fact("no tunnel is left", async () => (await hosts()).tunnels === 0);
  expect(await refusal(reach(w, address, { as: "ben" }))).toBe("key_revoked");
  await fact("the host has heard of it", async () => (await local.show(session.id)).operators.length === 0);
  expect(await refusal(reach(w, address))).toBe("not refused");

  await held(admin, "relay", "revoke", "box", "--folder", folder);
  expect(await refusal(reach(w, address, { timeoutMs: 5_000 }))).toBe("unreachable");
  const uplink = await fact("the host is told", async () => (await local.status()).uplinks.find((u) => u.state === "refused"));
  expect(uplink.why).toContain("revoked");
  expect((await local.show(session.id)).state).toBe(SessionState.RUNNING);
});

test("tenants of one relay neither see nor guess each other's hosts: what is there and what is not is one answer, and as soon", async () => {
  const [w, other] = [await world(), await world()];
  const relay = await RelayProcess.start(w);
  const folder = w.path("relay");
  const token = async (fleet: string): Promise<string> => held(w, "relay", "invite", "--fleet", fleet, "--folder", folder);
  const [mine, theirs] = [await token("lab"), await token("works")];
  await held(w, "host", "join", relay.url, "--token", mine, "--name", "box");
  await held(other, "host", "join", relay.url, "--token", theirs, "--name", "secret");
  const hosts = async (env: typeof w.env): Promise<string> => (await hold({ env }, "--relay", relay.url, "hosts")).out;
  expect([await hosts(w.env), await hosts(other.env)]).toEqual([
    expect.stringMatching(/^NAME +ID\nbox /),
    expect.stringMatching(/^NAME +ID\nsecret /),
  ]);
  const secretId = (await (await other.connect()).status()).hostId;
  const answers = new Set<string>();
  const times = { there: [] as number[], not: [] as number[] };
  for (let turn = 0; turn < 15; turn++)
    for (const [kind, host] of [
      ["there", "secret"],
      ["there", secretId],
      ["not", "absent"],
      ["not", "f".repeat(32)],
    ] as const) {
      const from = performance.now();
      const fault = await reach(w, through(relay.url, host), { trust: "first", timeoutMs: 5_000 }).then(
        () => null,
        (e: { code: string; message: string; details: object }) => e,
      );
      times[kind].push(performance.now() - from);
      answers.add(
        JSON.stringify({ code: fault?.code, message: fault?.message.replaceAll(host, "HOST"), details: fault?.details }),
      );
    }
  expect([...answers]).toEqual([expect.stringContaining("unreachable")]);
  const median = (all: number[]): number => all.sort((a, b) => a - b)[all.length >> 1]!;
  say(`a host of others: ${median(times.there).toFixed(1)} ms, one that is not there: ${median(times.not).toFixed(1)} ms`);
  expect(Math.abs(median(times.there) - median(times.not))).toBeLessThan(Math.max(5, median(times.not)));
});

test("a name that is another's is refused and its token is good still; a token is good once", async () => {
  const [w, other] = [await world(), await world()];
  const relay = await RelayProcess.start(w);
  const address = await relay.joinedBy(await w.connect(), "box");
  const token = await held(w, "relay", "invite", "--folder", w.path("relay"));
  const join = (name: string): ReturnType<typeof hold> =>
    hold(other, "host", "join", relay.url, "--token", token, "--name", name);
  const { hostId } = await (await w.connect()).status();
  expect((await join("box")).err).toMatch(/^\[name_taken\]/);
  expect((await join(hostId)).err).toMatch(/^\[name_taken\]/);
  expect(await join("box2")).toMatchObject({ code: 0, out: through(relay.url, "box2") });
  await held(other, "host", "leave", relay.url);
  // Known by its key now, it needs no token; and who is not, is not let in by one that was used.
  expect(await hold(other, "host", "join", relay.url)).toMatchObject({ code: 0, out: through(relay.url, "box2") });
  const third = await world();
  expect((await hold(third, "host", "join", relay.url, "--token", token, "--name", "box3")).err).toMatch(
    /^\[invitation_unknown\]/,
  );
  expect((await (await reach(w, address)).whoami()).via).toBe("sdk");
});

test("an operator that is stopped keeps no other operator of that host waiting", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  const address = await relay.joinedBy(local, "box");
  await w.open(local, { name: "flood", script: `trap 'exit 0' TERM; while :; do seq 1 20000; sleep 0.02; done` });
  const quiet = await answering(w, local);
  const stalled = spawn(holdPath, ["--host", address, "log", "--raw", "--follow", "flood"], {
    env: w.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => kill(stalled.pid!));
  let got = 0;
  stalled.stdout.on("data", (piece: Buffer) => (got += piece.length));
  await fact("it follows the flood", () => got > 1_000_000);
  kill(stalled.pid!, "SIGSTOP");
  const client = await reach(w, address);
  let out = "";
  const attachment = await client.attach(
    { session: quiet.id },
    { output: ({ bytes: b }) => void (out += Buffer.from(b).toString()) },
  );
  const before = rssKib(relay.pid);
  const times: number[] = [];
  for (let i = 0; i < 100; i++) {
    const from = performance.now();
    await attachment.input(bytes(`key ${i}\n`));
    await fact("it comes back", () => out.includes(`<key ${i}>`));
    times.push(performance.now() - from);
  }
  times.sort((a, b) => a - b);
  say(
    `beside one that is stopped: p50 ${times[50]!.toFixed(1)} ms, p99 ${times[99]!.toFixed(1)} ms, relay +${rssKib(relay.pid) - before} KiB`,
  );
  expect(times[99]).toBeLessThan(1_000);
  expect(rssKib(relay.pid) - before).toBeLessThan(40_000);
});

test("who says nothing, or nonsense, or begins and leaves, is ended, and who knows how to ask is let in meanwhile", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const local = await w.connect();
  const address = await relay.joinedBy(local, "box");
  const [uplink] = (await local.status()).uplinks;
  const port = Number(new URL(relay.url).port);
  const before = rssKib(relay.pid);
  let ended = 0;
  const open = (say: Buffer | null): void => {
    const socket = connectTcp(port, "127.0.0.1");
    w.atEnd(() => socket.destroy());
    socket.on("error", () => {});
    socket.on("close", () => ended++);
    socket.resume();
    if (say) socket.write(say);
  };
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const frame = (length: number, type: number, stream: number, body = Buffer.alloc(0)): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(length, 0, 3);
    head[3] = type;
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, body]);
  };
  const settings = frame(0, 4, 0);
  const says: readonly (Buffer | null)[] = [
    null,
    Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    preface.subarray(0, 10),
    Buffer.concat([preface, settings]),
    // A length that nobody may say, and a header that never ends.
    Buffer.concat([preface, settings, frame(0xff_ff_ff, 0, 1)]),
    Buffer.concat([preface, settings, frame(1, 1, 1, Buffer.from([0x82]))]),
    Buffer.alloc(70_000, 0x41),
  ];
  for (let i = 0; i < 1_050; i++) open(says[i % says.length]!);
  const letIn = async (): Promise<void> => {
    const client = await reach(w, address);
    await client.whoami();
    client.close();
  };
  await Promise.all(Array.from({ length: 5 }, letIn));
  // Beside them, not after them.
  expect(ended).toBeLessThan(1_050);
  const grown = rssKib(relay.pid) - before;
  await fact("all of them are ended", () => ended === 1_050);
  say(`1,050 that say nothing of use: relay +${grown} KiB, then +${rssKib(relay.pid) - before} KiB`);
  expect(grown).toBeLessThan(80_000);
  // The line that the host holds is another matter. It tells of the relay's health, too.
  expect((await local.status()).uplinks).toMatchObject([{ state: "connected", sinceUnixMs: uplink!.sinceUnixMs }]);
  expect(uplink!.version).toMatch(/^\d+\.\d+\.\d+/);
  expect(await fact("a beat was answered", async () => (await local.status()).uplinks[0]!.rttUs)).toBeGreaterThan(0);
});

test("what is no relay, or none that is known, is told with its cause and what to do: a host that is started helps with none of it", async () => {
  const w = await world();
  const relay = await RelayProcess.start(w);
  const stranger = machine(w, "stranger");
  const token = await held(w, "relay", "invite", "--folder", w.path("relay"));
  const said = async (...args: string[]): Promise<string> => {
    const { code, err } = await hold(w, ...args);
    expect(err).not.toMatch(/hold host up|Deprecation|Resolution note/);
    return `${code} ${err}`;
  };
  const encrypted = relay.url.replace(/^http:/, "https:");
  expect(await said("host", "join", encrypted, "--token", token)).toMatch(
    /^5 \[unreachable\] who answers at .* speaks no TLS: give the address/,
  );
  await relay.kill();
  expect(await said("host", "join", relay.url, "--token", token)).toMatch(
    /^5 \[unreachable\] no relay answers at .*ECONNREFUSED/,
  );
  expect(await said("relay", "hosts", "--folder", w.path("relay"))).toMatch(
    /^5 \[unreachable\] no relay runs here \(E[A-Z]+ .*relay\.sock\); start one with: hold relay$/,
  );
  expect((await hold(stranger, "--relay", relay.url, "ls")).err).toMatch(/there is no key .*hold join hold1/);
  expect(await hold(stranger, "audit", "verify")).toMatchObject({
    code: 5,
    err: expect.stringContaining("no host has run here yet"),
  });
});
