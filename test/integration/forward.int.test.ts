/** Ports of a session, through links of every kind: who may, what is recorded, and how a connection ends. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from "node:net";
import type { HostClient } from "@holdfast/sdk";
import { connect, forward } from "@holdfast/sdk/node";
import { expect, onTestFinished, test } from "vitest";
import { Command } from "./world/command.ts";
import { forwardingWorld, listener } from "./world/ports.ts";
import { fact } from "./world/processes.ts";
import { RelayProcess } from "./world/relay.ts";
import { wire } from "./world/wire.ts";
import { record, refusal, type World } from "./world/world.ts";

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What was recorded of ports, as sentences. */
async function visits(client: HostClient, session: string): Promise<string[]> {
  return (await record(client, session)).events.flatMap((e) => {
    if (e.body?.kind.case !== "portUsed") return [];
    const { port, over, connections, toPort, fromPort } = e.body.kind.value;
    return [`${e.actor} ${e.via} ${over ? `left ${port}: ${connections} ${toPort} ${fromPort}` : `came to ${port}`}`];
  });
}

/** A client of `as` for each way: on the machine, and through a relay. */
async function ways(w: World, as: string): Promise<Record<"unix" | "grpc", HostClient>> {
  const relayed = await (await RelayProcess.start(w)).joinedBy(await w.connect(), "box");
  const grpc = await connect({ url: relayed, home: w.home, as, trust: "first", via: "cli" });
  w.atEnd(() => grpc.close());
  return { unix: await w.connect(as), grpc };
}

/** Sends all, ends, and resolves with what came back. */
function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: "127.0.0.1", allowHalfOpen: true });
    const parts: Buffer[] = [];
    socket.on("data", (part) => parts.push(part));
    socket.once("end", () => resolve(Buffer.concat(parts)));
    socket.once("error", reject);
    socket.end(bytes);
  });
}

function opened(port: number): Promise<{ readonly socket: Socket; said(): string; readonly ended: Promise<string> }> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: "127.0.0.1" });
    let text = "";
    const ended = new Promise<string>((told) => {
      socket.once("end", () => told("end"));
      socket.once("error", (fault: NodeJS.ErrnoException) => told(fault.code ?? "error"));
    });
    socket.on("data", (part) => void (text += part));
    socket.once("connect", () => resolve({ socket, said: () => text, ended }));
    socket.once("error", reject);
  });
}

test("what a session serves over HTTP is had whole on the machine and through a relay, and the record tells who went there and how much they took", async () => {
  const w = await forwardingWorld();
  await w.operator("ana");
  const admin = await w.connect();
  const page = randomBytes(5_000_000);
  writeFileSync(w.path("page"), page);
  const { session, port } = await listener(w, admin, "HTTP");
  for (const [carrier, ana] of Object.entries(await ways(w, "ana"))) {
    expect((await ana.ports(session.id)).ports, carrier).toMatchObject([{ port, address: "127.0.0.1", program: "python3" }]);
    const there = await forward(ana, session.name, { port });
    const got = await Promise.all(
      Array.from({ length: 4 }, async () =>
        sha(Buffer.from(await (await fetch(`http://127.0.0.1:${there.localPort}/page`)).arrayBuffer())),
      ),
    );
    expect(got, carrier).toEqual(Array.from({ length: 4 }, () => sha(page)));
    await there.close();
    ana.close();
  }
  const told = await fact("both have left", async () => {
    const all = await visits(admin, session.id);
    return all.length === 4 ? all : null;
  });
  for (const [via, [came, left]] of [
    ["sdk", told.slice(0, 2)],
    ["cli", told.slice(2)],
  ] as const) {
    expect(came).toBe(`ana ${via} came to ${port}`);
    const [, to, connections, sent, taken] = /^ana \w+ left (\d+): (\d+) (\d+) (\d+)$/.exec(left!)!.map(Number);
    expect({ to, connections }).toEqual({ to: port, connections: 4 });
    expect(sent).toBeGreaterThan(4 * 40);
    expect(taken).toBeGreaterThan(4 * page.length);
  }
});

test("what is sent arrives whole, and its sender's end is an end of one way only, on the machine and through a relay", async () => {
  const w = await forwardingWorld();
  await w.operator("ana");
  const { session, port } = await listener(w, await w.connect(), "COUNT");
  const all = randomBytes(20_000_000);
  for (const [carrier, ana] of Object.entries(await ways(w, "ana"))) {
    const there = await forward(ana, session.id, { port });
    const answer = await exchange(there.localPort, all);
    expect(answer.toString(), carrier).toBe(`${all.length} ${sha(all)}`);
    await there.close();
  }
});

test("a program that sends without end to who does not read is held up, and nobody else is", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const { session, port } = await listener(w, admin, "FLOOD");
  const echo = await listener(w, admin, "ECHO");
  const flood = await admin.connectPort(session.id, port);
  const sent = (): number => Number(readFileSync(w.path("sent"), "utf8"));
  await fact("it sends", () => sent() > 0);
  let last = -1;
  await fact("it sends no more", async () => {
    // What another connection of the same link is told meanwhile, there and back.
    const other = await admin.connectPort(echo.session.id, echo.port);
    for await (const _ of other) break;
    other.close();
    const now = sent();
    const isStill = now === last;
    last = now;
    return isStill;
  });
  // The window, and what sockets of this machine take.
  expect(last).toBeLessThan(16 * 1024 * 1024);
  let taken = 0;
  for await (const part of flood) if ((taken += part.length) > last + 1_000_000) break;
  flood.close();
  expect(taken).toBeGreaterThan(last);
});

test("only what a program of the session listens on is led to, whoever asks", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const echo = await listener(w, admin, "ECHO");
  const idle = await w.open(admin, { name: "idle", script: "exec sleep 1000" });
  const strange = createServer((socket) => socket.end("secret"));
  onTestFinished(() => void strange.close());
  const other = await new Promise<number>((told) => {
    strange.listen(0, "127.0.0.1", () => told((strange.address() as AddressInfo).port));
  });
  expect(await refusal(admin.connectPort(echo.session.id, other))).toBe("no_such_port");
  expect(await refusal(admin.connectPort(idle.id, echo.port))).toBe("no_such_port");
  expect((await admin.ports(idle.id)).ports).toEqual([]);
  expect(await visits(admin, echo.session.id)).toEqual([]);
  // A command beside it is the session's too, and not the other one's.
  const end = new AbortController();
  const beside = admin.exec(idle.id, ["python3", "-m", "http.server", "0", "--bind", "::1"], { end: end.signal });
  const [there] = await fact("it listens", async () => {
    const { ports } = await admin.ports(idle.id);
    return ports.length > 0 ? ports : null;
  });
  expect(there).toMatchObject({ address: "::1", program: "python3" });
  (await admin.connectPort(idle.id, there!.port)).close();
  expect(await refusal(admin.connectPort(echo.session.id, there!.port))).toBe("no_such_port");
  end.abort();
  await beside;
});

test("a link takes 64 connections, refuses the next, and takes it once one has ended", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const { session, port } = await listener(w, admin, "ECHO");
  const open = await Promise.all(Array.from({ length: 64 }, () => admin.connectPort(session.id, port)));
  expect(await refusal(admin.connectPort(session.id, port))).toBe("too_many");
  open[0]!.close();
  const next = await fact("there is room again", () => admin.connectPort(session.id, port));
  for (const stream of [...open.slice(1), next]) stream.close();
  await fact("the end is recorded with all of them, once the link is over", async () => {
    w.close(admin);
    const told = await visits(await w.connect(), session.id);
    return told.length === 2 && told[1]!.startsWith(`${admin.operator.operator!.id} sdk left ${port}: 65 0 `);
  });
});

test("links are led nowhere until an admin allows it", async () => {
  for (const word of [null, "ssh", "off"] as const) {
    const w = await forwardingWorld(word);
    const admin = await w.connect();
    const { session, port } = await listener(w, admin, "ECHO");
    const { ports, reachable } = await admin.ports(session.id);
    expect({ ports: ports.map((p) => p.port), reachable }).toEqual({ ports: [port], reachable: false });
    expect(await refusal(admin.connectPort(session.id, port)), String(word)).toBe("not_permitted");
    expect(await visits(admin, session.id)).toEqual([]);
  }
});

test("an observer, who is let into another session alone and a paused AI are refused, and a pause ends what an AI has open", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  const { session, port } = await listener(w, admin, "ECHO");
  const observer = await w.operator("oscar", "human", "observer");
  expect(await refusal(observer.connectPort(session.id, port))).toBe("not_permitted");
  const idle = await w.open(admin, { script: "exec sleep 1000" });
  const guest = await connect({ home: w.home, grant: await admin.grant({ session: idle.id }) });
  w.atEnd(() => guest.close());
  expect(await refusal(guest.connectPort(session.id, port))).toBe("no_such_session");
  expect(await refusal(guest.connectPort(idle.id, port))).toBe("no_such_port");
  const ai = await w.operator("robo", "ai");
  const there = await ai.connectPort(session.id, port);
  const said: string[] = [];
  const reading = async (): Promise<void> => {
    for await (const part of there) said.push(Buffer.from(part).toString());
  };
  const ended = refusal(reading());
  await there.write(Buffer.from("one"));
  await fact("the echo came", () => said.join("") === "hello one");
  await admin.floor(session.id, "ai_pause");
  expect(await refusal(ai.connectPort(session.id, port))).toBe("ai_paused");
  expect(await ended).toBe("ai_paused");
  expect(await refusal(there.write(Buffer.from("two")))).toBe("ai_paused");
  expect(said.join("")).toBe("hello one");
});

test.each(["unix", "grpc"] as const)(
  "the connection of an operator who is revoked ends within a second, and what it carried is recorded (%s)",
  async (carrier) => {
    const w = await forwardingWorld();
    const admin = await w.connect();
    const { session, port } = await listener(w, admin, "ECHO");
    await w.operator("ana");
    const ana = (await ways(w, "ana"))[carrier];
    const faults: string[] = [];
    const there = await forward(ana, session.id, { port, failed: (fault) => faults.push(fault.code) });
    const open = await opened(there.localPort);
    await fact("it is there", () => open.said() === "hello ");
    const before = performance.now();
    await admin.operatorRevoke("ana");
    expect(await open.ended).toBe("ECONNRESET");
    expect(performance.now() - before).toBeLessThan(1_000);
    // A relay that was told first cuts the way on which the host would say it.
    expect(carrier === "unix" ? ["revoked"] : ["revoked", "unreachable"]).toContain(faults.join());
    const via = carrier === "unix" ? "sdk" : "cli";
    await fact("its end is recorded", async () => (await visits(admin, session.id)).includes(`ana ${via} left ${port}: 1 0 6`));
    await there.close();
  },
);

test("when the link is cut the open connections end, and the next ones find a link again", async () => {
  const w = await forwardingWorld();
  const url = await w.listen();
  const lane = await wire(w, url);
  await w.listen({ listen: new URL(url).host, allowHosts: [new URL(lane.url).host] });
  const client = await connect({ url: lane.url, home: w.home });
  w.atEnd(() => client.close());
  const { session, port } = await listener(w, client, "ECHO");
  const faults: string[] = [];
  const there = await forward(client, session.id, { port, failed: (fault) => faults.push(fault.code) });
  for (let n = 0; n < 3; n++) {
    const open = await opened(there.localPort);
    await fact("it is there", () => open.said() === "hello ");
    lane.cut();
    expect(await open.ended).toBe("ECONNRESET");
  }
  expect(faults).toEqual(["unreachable", "unreachable", "unreachable"]);
  await w.killHost();
  const after = await opened(there.localPort);
  await fact("it is there after the host's death too", () => after.said() === "hello ");
  await there.close();
});

test("hold forward and hold preview lead there from the command line through a relay, over the relay's death, until they are stopped", async () => {
  const w = await forwardingWorld();
  const admin = await w.connect();
  writeFileSync(w.path("page"), "from afar");
  const { session, port } = await listener(w, admin, "HTTP", "web");
  const relay = await RelayProcess.start(w);
  const url = await relay.joinedBy(admin, "box");
  // What is trusted at first sight by a person is here by a program.
  (await connect({ url, home: w.home, trust: "first" })).close();
  const list = Command.run(w, ["--host", url, "forward", "web", "--list", "--json"]);
  expect(JSON.parse(await list.line())).toMatchObject({ port, program: "python3" });
  expect(await list.code).toBe(0);
  const led = Command.run(w, ["--host", url, "forward", "web", `${port}:0`, "--json"]);
  const { local, address } = JSON.parse(await led.line()) as { local: number; address: string };
  const page = async (): Promise<string> => (await fetch(`http://${address}:${local}/page`)).text();
  expect(await page()).toBe("from afar");
  await relay.kill();
  await relay.start();
  await fact("it leads there again", async () => (await page()) === "from afar", 60_000);
  led.stop();
  expect(await led.code).toBe(0);
  const shown = Command.run(w, ["--host", url, "preview", "web", String(port), "--json"]);
  expect(JSON.parse(await shown.line())).toMatchObject({
    url: expect.stringMatching(/^http:\/\/preview-\w+\.localhost:\d+\/\.holdfast\//),
    port,
  });
  shown.stop();
  expect(await shown.code).toBe(0);
  await fact("a visit for each link is recorded", async () => (await visits(admin, session.id)).length === 4);
  expect(await Command.run(w, ["forward", "web", "0"]).code).toBe(2);
  expect(await Command.run(w, ["forward", "nosuch", "3000"]).code).toBe(3);
});
