/** The HTTP API of a real host: with curl, by readers of its event streams, and by hand. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Bearer, curl, type StreamEvent } from "./world/http.ts";
import { fact, rssKib } from "./world/processes.ts";
import { record, type World, world } from "./world/world.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

async function listening(options: Parameters<World["listen"]>[0] = {}) {
  const w = await world({ starts: false });
  const url = await w.listen(options);
  const admin = await w.connect();
  const bearer = await Bearer.of(w, url, admin);
  return { w, url, admin, bearer, port: Number(new URL(url).port) };
}

/** A request by hand, and all that is said to it. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(request, "latin1");
  let said = "";
  for await (const chunk of socket) said += String(chunk);
  return said;
}
const statusOf = (said: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(said)?.[1]);

test("curl alone opens a session, runs in it, waits for it, reads it and ends it", async () => {
  const { w, bearer } = await listening();
  const opened = await bearer.call("open", { name: "work", command: ["bash", "--norc"] });
  expect(opened).toMatchObject({ status: 200, json: { existed: false, session: { name: "work", cwd: w.env["HOME"] } } });
  expect((await bearer.call("list")).json.sessions).toHaveLength(1);
  const ran = await bearer.call("run", { session: "work", text: "echo one; echo two >&2; (exit 7)" });
  const lines = ran.body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.slice(0, -1).every((line) => line.more === true)).toBe(true);
  expect(lines.at(-1)).toMatchObject({ run: { state: "ended", code: 7 } });
  expect(lines.at(-1)).not.toHaveProperty("more");
  expect(Buffer.concat(lines.map((line) => Buffer.from(line.run.output, "base64"))).toString()).toBe("one\r\ntwo\r\n");
  expect((await bearer.call("wait", { session: "work", idleMs: 1 })).json.fired).toBe("idle");
  expect((await bearer.call("screen", { session: "work" })).json.lines.join("\n")).toContain("two");
  const sent = await bearer.call("send", { session: "work", input: { data: base64("exit 3\r") } });
  expect([sent.status, sent.json.status]).toEqual([200, "INPUT_STATUS_APPLIED"]);
  expect((await bearer.call("wait", { session: "work", exit: true })).json).toMatchObject({ fired: "exit", exit: { code: 3 } });
  expect(await bearer.call("kill", { session: "work" })).toMatchObject({ status: 409, json: { code: "session_ended" } });
});

test("what can't be done has its code, its status and its next step", async () => {
  const { bearer, w } = await listening();
  const said = async (verb: string, fields: object, ...more: string[]) => {
    const { status, json } = await bearer.call(verb, fields, ...more);
    expect(json).toMatchObject({ text: expect.any(String), ids: expect.any(Object), advice: expect.any(String) });
    return [status, json.code];
  };
  expect(await said("show", { session: "nobody" })).toEqual([404, "no_such_session"]);
  expect(await said("run", { session: "nobody", text: "x" })).toEqual([404, "no_such_session"]);
  expect(await said("show", { sesion: "x" })).toEqual([400, "bad_request"]);
  expect(await said("show", { session: 7 })).toEqual([400, "bad_request"]);
  expect(await said("resize", { session: "x", size: { cols: -1 } })).toEqual([400, "bad_request"]);
  expect(await said("open", { kind: "SESSION_KIND_MAGIC" })).toEqual([400, "bad_request"]);
  expect(await said("fly", {})).toEqual([404, "bad_request"]);
  expect(await said("constructor", {})).toEqual([404, "bad_request"]);
  expect(await said("__proto__", {})).toEqual([404, "bad_request"]);
  expect((await said("open", { name: "no/name" }))[1]).toBe("bad_request");
  await bearer.call("open", { name: "twice" });
  expect(await said("open", { name: "twice" })).toEqual([409, "name_taken"]);
  const body = async (text: string, type = "application/json") => {
    const path = join(w.files, "body");
    writeFileSync(path, text);
    const { status, json } = await bearer.curl("/v1/call/list", "-H", `Content-Type: ${type}`, "--data-binary", `@${path}`);
    return [status, json.code];
  };
  expect(await body("{}", "text/plain")).toEqual([400, "bad_request"]);
  expect(await body("{}", "application/x-www-form-urlencoded")).toEqual([400, "bad_request"]);
  expect(await body("{")).toEqual([400, "bad_request"]);
  expect(await body("[]")).toEqual([400, "bad_request"]);
  expect(await body("null")).toEqual([400, "bad_request"]);
  expect(await body('{"__proto__":{"all":true}}')).toEqual([400, "bad_request"]);
  expect(await body("[".repeat(500_000))).toEqual([400, "bad_request"]);
  expect(await body(`{"group":${"[".repeat(10_000)}${"]".repeat(10_000)}}`)).toEqual([400, "bad_request"]);
  expect(await body(`{"group":"${"x".repeat(1024 * 1024)}"}`)).toEqual([400, "bad_request"]);
  expect((await bearer.call("list")).status).toBe(200);
});

test("a stranger gets 401 and few words from every route; a wrong name, page or way of asking is turned away", async () => {
  const { w, bearer, port } = await listening({ allowOrigins: ["https://console.example"] });
  const { paths } = (await bearer.curl("/v1/openapi.json")).json as { paths: Record<string, object> };
  expect(Object.keys(paths).length).toBeGreaterThan(30);
  for (const [path, methods] of Object.entries(paths))
    for (const method of Object.keys(methods)) {
      const at = `${bearer.url}${path.replaceAll(/\{\w+\}/g, "x")}`;
      const { status, body } = await curl(w, ["-X", method.toUpperCase(), at]);
      expect([path, method, status]).toEqual([path, method, 401]);
      expect(body.length).toBeLessThan(200);
    }
  const asked = async (...more: string[]) => (await bearer.call("list", {}, ...more)).status;
  expect(await asked()).toBe(200);
  expect(await asked("-H", "Origin: https://console.example")).toBe(200);
  for (const origin of ["null", "http://evil.example", "https://console.example.evil", "https://CONSOLE.example"])
    expect(await asked("-H", `Origin: ${origin}`)).toBe(403);
  for (const name of ["evil.example", `evil.example:${port}`, "127.0.0.1", "127.1", `0x7f.1:${port}`])
    expect(await asked("-H", `Host: ${name}`)).toBe(403);
  const head = `Host: 127.0.0.1:${port}\r\nAuthorization: Bearer ${bearer.grant}\r\nContent-Type: application/json\r\n`;
  const post = (more: string, body = ""): Promise<string> =>
    raw(port, `POST /v1/call/list HTTP/1.1\r\n${head}${more}\r\n${body}`);
  expect(statusOf(await post("Content-Length: 2\r\nConnection: close\r\n", "{}"))).toBe(200);
  expect(statusOf(await post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"))).toBe(400);
  expect(statusOf(await post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"))).toBe(400);
  expect(statusOf(await post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"))).toBe(400);
  expect(statusOf(await post("Transfer-Encoding: identity, chunked, x\r\n", "{}"))).toBe(400);
  expect(statusOf(await post("Content-Encoding: gzip\r\nContent-Length: 2\r\nConnection: close\r\n", "{}"))).toBe(400);
});

/** What an event stream says of a session, up to where it has printed its last: later is who came to look. */
async function upToEnd(bearer: Bearer, query: string, headers: Record<string, string> = {}): Promise<StreamEvent[]> {
  const stream = await bearer.stream("lines", `?replay&observe&quiet${query}`, headers);
  const end = await stream.until("the session's end", (e) => e.name === "event" && e.data.body.closed !== undefined);
  stream.close();
  return stream.events.slice(0, stream.events.indexOf(end) + 1).filter((e) => e.id !== undefined);
}

test("a stream that was cut after any event goes on exactly after it: its hash is that of one stream", async () => {
  const { w, bearer, admin } = await listening();
  const script = 'stty -echo; for i in $(seq 20); do read line; printf "%s \\033[3${i}mline\\n" $i; done; printf tail';
  const session = await w.open(admin, { name: "lines", script });
  for (let i = 0; i < 20; i++) await admin.send(session.id, Buffer.from("\n"));
  await admin.wait(session.id, { exit: true });
  const one = await upToEnd(bearer, "&from=0");
  const hash = (events: readonly StreamEvent[]): string => createHash("sha256").update(JSON.stringify(events)).digest("hex");
  expect(one.length).toBeGreaterThan(20);
  expect(one.map((e) => Number(e.id))).toEqual(one.map((_, i) => i + 1));
  const output = Buffer.concat(one.filter((e) => e.name === "output").map((e) => Buffer.from(e.data.data, "base64")));
  expect(output.toString()).toContain("tail");
  expect(output.equals((await record(admin, session.id)).output)).toBe(true);
  for (const [i, { id }] of one.slice(0, -1).entries()) {
    const rest = i % 2 === 0 ? await upToEnd(bearer, "", { "Last-Event-ID": id! }) : await upToEnd(bearer, `&from=${id}`);
    expect(hash([...one.slice(0, i + 1), ...rest])).toBe(hash(one));
  }
});

test("without a cursor the screen comes first; what retention took is a gap that says so", async () => {
  const { w, bearer, admin } = await listening();
  await w.open(admin, { name: "shown", script: "printf 'here it is'; sleep 1000" });
  await fact("it has printed", async () => (await admin.screen("shown")).lines.join("").includes("here it is"));
  const stream = await bearer.stream("shown");
  const { data, id } = await stream.until("a snapshot", (e) => e.name === "snapshot");
  expect([Buffer.from(data.vt, "base64").toString().includes("here it is"), data.last, id]).toEqual([true, true, data.seq]);
  const { seq } = (await record(admin, "shown")).events.find((e) => e.body?.kind.case === "started")!;
  const printed = await bearer.stream("shown", "?replay");
  const output = await printed.until("output", (e) => e.name === "output");
  await admin.redact("shown", { seqs: [Number(output.id)] });
  const again = await bearer.stream("shown", `?replay&from=${seq}`);
  expect((await again.until("a gap", (e) => e.name === "gap")).data).toMatchObject({
    seq: output.id,
    payload: "redacted",
    data: "",
  });
  await expect(bearer.stream("shown", "?from=999999")).rejects.toThrow(/^410 .*"code":"gap"/s);
  await expect(bearer.stream("nobody")).rejects.toThrow(/^404 /);
  await expect(bearer.stream("shown", "?form=1")).rejects.toThrow(/^400 .*there is no/s);
});

test("input that is sent again is typed once; the floor is what it is elsewhere", async () => {
  const { w, url, admin } = await listening();
  const [ana, ben, eye] = [await w.operator("ana"), await w.operator("ben"), await w.operator("eye", "human", "observer")];
  const session = await w.open(admin, { name: "typed", script: "stty -echo -icanon; cat" });
  const asAna = await Bearer.of(w, url, ana);
  const stream = await asAna.stream("typed", "?writer=ana-at-curl");
  const token = await stream.token();
  const beside = (bearer: Bearer, path: string, ...more: string[]) =>
    bearer.curl(`/v1/sessions/typed/${path}`, "-H", `Holdfast-Attach: ${token}`, ...more);
  const type = (n: number, text: string) =>
    beside(asAna, `input?n=${n}`, "-H", "Content-Type: application/octet-stream", "--data-binary", text);
  const first = await Promise.all(Array.from({ length: 5 }, () => type(1, "one\n")));
  expect(new Set(first.map((a) => a.body)).size).toBe(1);
  expect(first[0]).toMatchObject({ status: 200, json: { n: "1", status: "INPUT_STATUS_APPLIED", bytes: 4 } });
  const second = await beside(asAna, "input", "--json", JSON.stringify({ n: 2, data: base64("two\n"), durable: true }));
  expect(second).toMatchObject({ status: 200, json: { status: "INPUT_STATUS_APPLIED", durable: true } });
  // What was cut from its stream comes back by its writer, and is recognised.
  stream.close();
  const back = await asAna.stream("typed", "?writer=ana-at-curl");
  const attached = await back.until("attached", (e) => e.name === "attached");
  expect(attached.data.lastN).toBe("2");
  const retold = await asAna.curl(
    "/v1/sessions/typed/input",
    ...["-H", `Holdfast-Attach: ${attached.data.token}`, "--json", JSON.stringify({ n: 2, data: base64("two\n") })],
  );
  expect(retold.json).toMatchObject({ status: "INPUT_STATUS_APPLIED", seq: second.json.seq });
  const gone = await type(3, "x");
  expect([gone.status, gone.json.code]).toEqual([403, "not_permitted"]);
  // Ana steers: another waits, or takes it; an observer does neither.
  const asBen = await Bearer.of(w, url, ben);
  const other = await asBen.stream("typed");
  const bens = async (path: string, fields: object) =>
    asBen.curl(
      `/v1/sessions/typed/${path}`,
      ...["-H", `Holdfast-Attach: ${await other.token()}`, "--json", JSON.stringify(fields)],
    );
  await asAna.curl(
    "/v1/sessions/typed/floor",
    ...["-H", `Holdfast-Attach: ${attached.data.token}`, "--json", '{"verb":"FLOOR_VERB_TAKE"}'],
  );
  expect(await bens("input", { n: 1, data: base64("mine\n") })).toMatchObject({
    status: 423,
    json: { status: "INPUT_STATUS_REFUSED", error: { code: "floor_held" } },
  });
  const asEye = await Bearer.of(w, url, eye);
  const looking = await asEye.stream("typed");
  const looked = await asEye.curl(
    "/v1/sessions/typed/input",
    ...["-H", `Holdfast-Attach: ${await looking.token()}`, "--json", JSON.stringify({ n: 1, data: base64("x") })],
  );
  expect(looked).toMatchObject({ status: 403, json: { error: { code: "not_permitted" } } });
  // Whose token it is not, has none.
  expect((await beside(asBen, "input", "--json", '{"n":1,"data":"eA=="}')).status).toBe(403);
  expect(
    (await asAna.curl("/v1/sessions/typed/detach", "-H", `Holdfast-Attach: ${attached.data.token}`, "-X", "POST")).status,
  ).toBe(204);
  await back.until("its end", (e) => e.name === "detached" && e.data.reason === "left");
  const { output, events } = await record(admin, session.id);
  expect(output.toString().replaceAll("\r", "")).toBe("one\ntwo\n");
  const inputs = events.filter((e) => e.body?.kind.case === "input");
  expect(inputs.map((e) => [e.actor, Buffer.from(e.data).toString()])).toEqual([
    ["ana", "one\n"],
    ["ana", "two\n"],
  ]);
});

test("a grant narrows: one session, some rights, and nothing that its operator lacks", async () => {
  const { w, url, admin } = await listening();
  const mine = await w.open(admin, { name: "mine", script: "cat" });
  const other = await w.open(admin, { name: "other", script: "cat" });
  const one = await Bearer.of(w, url, admin, { session: "mine" });
  expect((await one.call("list")).json.sessions.map((s: { id: string }) => s.id)).toEqual([mine.id]);
  expect((await one.call("show", { session: "mine" })).status).toBe(200);
  for (const [verb, fields] of [
    ["show", { session: other.id }],
    ["screen", { session: "other" }],
    ["kill", { session: "other" }],
    ["run", { session: "other", text: "x" }],
  ] as const)
    expect((await one.call(verb, fields)).json.code).toBe("no_such_session");
  for (const verb of ["operatorList", "invite", "auditHead", "hostDown", "open"])
    expect([verb, (await one.call(verb)).status]).toEqual([verb, 403]);
  await expect(one.stream("other")).rejects.toThrow(/^404 /);
  const look = await Bearer.of(w, url, admin, { capabilities: ["session.observe", "history.read"] });
  expect((await look.call("whoami")).json.operator.capabilities).toEqual(["session.observe", "history.read"]);
  expect((await look.call("screen", { session: "other" })).status).toBe(200);
  for (const [verb, fields] of [
    ["send", { session: "other", input: { data: "eA==" } }],
    ["resize", { session: "other", size: { cols: 80, rows: 24 } }],
    ["kill", { session: "other" }],
    ["fileRead", { session: "other", path: base64("/etc/passwd") }],
  ] as const)
    expect((await look.call(verb, fields)).json.code).toBe("not_permitted");
  // A stream that may be steered is not steered by a grant that leaves less.
  const full = await Bearer.of(w, url, admin);
  const stream = await full.stream("mine");
  const { data } = await stream.until("attached", (e) => e.name === "attached");
  const typed = (by: Bearer) =>
    by.curl("/v1/sessions/mine/input", "-H", `Holdfast-Attach: ${data.token}`, "--json", '{"n":1,"data":"eA=="}');
  expect((await typed(look)).status).toBe(403);
  expect((await typed(full)).status).toBe(200);
  const eye = await w.operator("eye", "human", "observer");
  const more = await Bearer.of(w, url, eye, { capabilities: ["session.input", "host.admin"] });
  expect((await more.call("send", { session: "other", input: { data: "eA==" } })).json.code).toBe("not_permitted");
  expect((await more.call("hostDown")).json.code).toBe("not_permitted");
});

test("a revoked operator's streams end at once, and nothing more of theirs gets in", async () => {
  const { w, url, admin } = await listening();
  const ana = await w.operator("ana");
  await w.open(admin, { name: "watched", script: "while sleep 0.01; do echo tick; done" });
  const bearer = await Bearer.of(w, url, ana);
  const stream = await bearer.stream("watched");
  const token = await stream.token();
  const waiting = bearer.call("wait", { session: "watched", exit: true });
  await admin.operatorRevoke("ana");
  await fact("the stream is over", () => stream.isOver);
  expect(stream.events.at(-1)).toMatchObject({ name: "detached", data: { reason: "revoked" } });
  expect((await waiting).json.code).toBe("revoked");
  expect((await bearer.call("list")).json.code).toBe("revoked");
  const typed = await bearer.curl(
    "/v1/sessions/watched/input",
    ...["-H", `Holdfast-Attach: ${token}`, "--json", '{"n":1,"data":"eA=="}'],
  );
  expect(typed.json.code).toBe("revoked");
});

test("a grant enrols no device and takes no key away; with the key that signed it, it and its streams are over", async () => {
  const { w, url, admin } = await listening();
  const ana = await w.operator("ana");
  const key = (await ana.whoami()).operator!.keys[0]!;
  await w.open(admin, { name: "watched", script: "while sleep 0.01; do echo tick; done" });
  const bearer = await Bearer.of(w, url, ana);
  expect((await bearer.call("invite", { operator: "ana" })).json.code).toBe("not_permitted");
  const id = Buffer.from(key.id).toString("hex");
  expect((await bearer.call("keyRevoke", { operator: "ana", key: id })).json.code).toBe("not_permitted");
  expect((await bearer.call("keyAdd", { operator: "ana", publicKey: base64("k".repeat(32)) })).json.code).toBe("not_permitted");
  const stream = await bearer.stream("watched");
  await admin.keyRevoke("ana", id);
  await fact("the stream is over", () => stream.isOver);
  expect((await bearer.call("list")).json.code).toBe("unknown_credential");
});

test("a stream ends with its grant, and goes on with the next one", async () => {
  const { w, url, admin } = await listening();
  await w.open(admin, { name: "long", script: "while sleep 0.01; do echo tick; done" });
  // What clocks may differ by comes on top of a grant's second: the host is told that 29 of the 30 are over.
  const early = Date.now;
  Date.now = () => early() - 29_000;
  const brief = await Bearer.of(w, url, admin, { ttlMs: 1_000 });
  Date.now = early;
  const stream = await brief.stream("long", "?replay");
  await fact("the stream is over", () => stream.isOver);
  expect(stream.events.at(-1)).toMatchObject({ name: "detached", data: { reason: "grant_expired" } });
  expect((await brief.call("list")).json).toMatchObject({ code: "grant_expired", advice: "retry" });
  const last = stream.events.findLast((e) => e.id !== undefined)!.id!;
  const next = await (await Bearer.of(w, url, admin)).stream("long", "?replay", { "Last-Event-ID": last });
  const first = await next.until("what comes after it", (e) => e.id !== undefined);
  expect(Number(first.id)).toBe(Number(last) + 1);
});

test("readers who never read cost the host a window each, while a session prints 64 MB", async () => {
  const { w, url, admin, port } = await listening();
  const ana = await w.operator("ana");
  const bearer = await Bearer.of(w, url, ana);
  const session = await w.open(admin, {
    name: "flood",
    script: "read -r; dd if=/dev/zero bs=65536 count=1000 status=none | tr '\\0' x; echo done",
  });
  const stuck: Socket[] = [];
  for (const query of ["?replay", "?replay", "", ""]) {
    const socket = connectTcp(port, "127.0.0.1");
    w.atEnd(() => void socket.destroy());
    socket.pause();
    socket.write(
      `GET /v1/sessions/flood/events${query} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${bearer.grant}\r\n\r\n`,
    );
    stuck.push(socket);
  }
  await fact("all have attached", async () => (await admin.show(session.id)).operators.length === stuck.length);
  const pid = await w.hostPid();
  let most = 0;
  const before = rssKib(pid);
  const look = setInterval(() => {
    most = Math.max(most, rssKib(pid));
  }, 20);
  await admin.send(session.id, Buffer.from("\n"));
  await admin.wait(session.id, { exit: true });
  clearInterval(look);
  expect(Number((await admin.show(session.id)).outputBytes)).toBeGreaterThan(64_000_000);
  // A flood that nobody looks at takes 50 MiB (the young generation), a reader 4; what they have not read is 350 MB as JSON.
  expect(most - before).toBeLessThan(128 * 1024);
  expect((await bearer.call("show", { session: "flood" })).json.operators).toHaveLength(stuck.length);
});

test("hold grant prints a grant and nothing else, as narrow as it was asked for", async () => {
  const { w, url, admin } = await listening();
  const session = await w.open(admin, { name: "one", script: "cat" });
  const hold = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(join(import.meta.dirname, "../../bin/hold"), args, {
      env: w.env,
      encoding: "utf8",
    });
    return { status, stdout, stderr };
  };
  const narrow = hold("grant", "--session", "one", "--role", "observer", "--ttl", "1m");
  expect(narrow).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) });
  const claims = JSON.parse(Buffer.from(narrow.stdout.split(".")[1]!, "base64url").toString());
  expect(claims).toMatchObject({ session: session.id, cap: ["session.observe", "history.read"], exp: claims.iat + 60 });
  const ask = async (verb: string, fields: object): Promise<number> => {
    const at = `${url.replace(/^ws/, "http")}/v1/call/${verb}`;
    const headers = { Authorization: `Bearer ${narrow.stdout.trim()}`, "Content-Type": "application/json" };
    return (await fetch(at, { method: "POST", headers, body: JSON.stringify(fields) })).status;
  };
  expect([await ask("screen", { session: "one" }), await ask("kill", { session: "one" }), await ask("list", {})]).toEqual([
    200, 403, 200,
  ]);
  expect(JSON.parse(hold("grant", "--json").stdout)).toEqual({ grant: expect.any(String) });
  for (const wrong of [
    ["--ttl", "16m"],
    ["--session", "nobody"],
    ["--role", "king"],
  ])
    expect([wrong, hold("grant", ...wrong).status]).not.toEqual([wrong, 0]);
});
