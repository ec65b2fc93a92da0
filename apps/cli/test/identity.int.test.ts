/** Who comes in, as people meet it: `hold share`, `hold join`, `hold operator invite`, and one key of several that is revoked. Two machines. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { holdCommand, World } from "./terminal.ts";

/** The machine that sessions live on, and a guest's. */
let box: World;
let laptop: World;
let url: string;

type Json = Record<string, unknown>;
const json = (text: string): Json => JSON.parse(text) as Json;
const lines = (text: string): Json[] => text.split("\n").filter(Boolean).map(json);
/** A machine of somebody who was not here before. */
const machine = (): World => {
  const made = new World();
  others.push(made);
  return made;
};
const others: World[] = [];
const share = (...words: string[]): Json => json(box.hold("share", "build", ...words, "--json").out);
const listening = (w: World): Json => json(w.hold("host", "status", "--json").out)["addresses"] as Json;

beforeAll(() => {
  box = new World();
  laptop = new World();
  expect(box.hold("host", "up", "--listen", "127.0.0.1:0").err).toBe("");
  url = String(listening(box)["websocket"]);
  box.hold("new", "build", "-d", "--", "bash", "--norc");
});
afterAll(() => {
  for (const w of [laptop, ...others, box]) w?.end();
});

test("a shared session is joined on another machine, attached to at once, and come back to as the same guest", async () => {
  const { command } = share("--role", "operator", "--ttl", "30m", "--name", "eva");
  const t = await laptop.terminal("guest", 400);
  t.type(String(command), "Enter");
  await t.until("build ·");
  t.type("echo by''eva", "Enter");
  await t.until("byeva");
  t.type("C-q", "d");
  const left = await t.until("[detached from build]");
  expect(left).toContain("you are eva there (operator)");
  expect(left).toContain(`hold --host ${url} --as eva attach build`);
  expect(lines(laptop.hold("--host", url, "ls", "--json").out).map((s) => s["name"])).toEqual(["build"]);
  expect(json(laptop.hold("--host", url, "whoami", "--json").out)).toMatchObject({ name: "eva", via: "cli", role: "operator" });
  const typed = lines(box.hold("log", "build", "--kind", "input", "--json").out);
  expect([...new Set(typed.map((e) => e["actor"]))]).toEqual(["eva"]);
  expect(lines(box.hold("invitation", "ls", "--json").out)[0]).toMatchObject({
    state: "taken",
    redeemedBy: "eva",
    invitedBy: expect.any(String),
  });
});

test("a second invitation to the same host makes its key the one that is used there, says whose place it takes, and that one stays by its name", () => {
  const twice = machine();
  const join = (name: string): Json => json(twice.hold("join", String(share("--name", name)["invite"]), "--json").out);
  const who = (...as: string[]): unknown => json(twice.hold("--host", url, ...as, "whoami", "--json").out)["name"];
  expect(join("kim")).toMatchObject({ operator: "kim", replaces: null });
  expect(who()).toBe("kim");
  expect(join("kit")).toMatchObject({ operator: "kit", replaces: "kim" });
  expect([who(), who("--as", "kim")]).toEqual(["kit", "kim"]);
});

test("an invitation is read from standard input, and nothing of it is kept", () => {
  const { invite } = share();
  const guest = machine();
  const joined = spawnSync(holdCommand, ["join", "-", "--no-attach", "--json"], {
    env: guest.env,
    encoding: "utf8",
    input: ` ${String(invite)} \n`,
  });
  expect(joined.stderr).toBe("");
  expect(json(joined.stdout)).toMatchObject({ role: "observer", url, session: "build" });
  const token = (JSON.parse(Buffer.from(String(invite).slice(6), "base64url").toString()) as { t: string }).t;
  const kept = readdirSync(guest.folder, { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => readFileSync(join(e.parentPath, e.name), "latin1"));
  expect(kept.length).toBeGreaterThan(1);
  expect(kept.filter((text) => text.includes(token))).toEqual([]);
});

test("an observer's guest sees and does not type; an invitation that is taken back puts them out", () => {
  const { invite, id } = share("--ttl", "5m");
  const guest = machine();
  expect(guest.hold("join", String(invite), "-d").code).toBe(0);
  expect(guest.hold("--host", url, "screen", "build").code).toBe(0);
  expect(guest.hold("--host", url, "send", "build", "x")).toMatchObject({
    code: 4,
    err: expect.stringContaining("not_permitted"),
  });
  expect(guest.hold("--host", url, "show", "other").code).toBe(3);
  expect(box.hold("invitation", "revoke", String(id)).code).toBe(0);
  expect(guest.hold("--host", url, "ls")).toMatchObject({ code: 4, err: expect.stringContaining("[revoked]") });
  expect(lines(box.hold("invitation", "ls", "--json").out).find((i) => i["id"] === id)).toMatchObject({ state: "revoked" });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

test("what can't be joined is told with what happened and what to do, and leaves no key", async () => {
  const guest = machine();
  const joining = (invite: unknown): { code: number; err: string } => guest.hold("join", String(invite), "-d");
  const open = share();
  expect(box.hold("invitation", "revoke", String(open["id"])).code).toBe(0);
  expect(joining(open["invite"])).toMatchObject({ code: 4, err: expect.stringMatching(/taken back; ask for another/) });

  const once = share();
  expect(machine().hold("join", String(once["invite"]), "-d").code).toBe(0);
  expect(joining(once["invite"])).toMatchObject({ code: 4, err: expect.stringMatching(/taken up already.*ask for another/) });

  const short = share("--redeem-within", "1ms");
  while (Date.now() <= Date.parse(String(short["redeemUntil"]))) await delay(1);
  expect(joining(short["invite"])).toMatchObject({
    code: 4,
    err: expect.stringMatching(/could be taken up until .*ask for another/),
  });

  const gone = share("--at", `ws://127.0.0.1:${await closedPort()}`);
  expect(joining(gone["invite"])).toMatchObject({
    code: 5,
    err: expect.stringMatching(/ECONNREFUSED.*it was not taken up by this$/m),
  });

  const other = machine();
  other.hold("host", "up", "--listen", "127.0.0.1:0");
  const elsewhere = String(listening(other)["websocket"]);
  const wrong = share("--at", elsewhere);
  expect(joining(wrong["invite"])).toMatchObject({
    code: 5,
    err: expect.stringMatching(/not the host that the invitation is of.*open still/),
  });
  expect(guest.hold("host", "trust", elsewhere, "--yes").code).toBe(0);
  expect(joining(wrong["invite"])).toMatchObject({
    code: 5,
    err: expect.stringMatching(/nothing was sent there.*hold host trust/),
  });

  expect(joining(`${String(wrong["invite"]).slice(0, 40)}`)).toMatchObject({
    code: 2,
    err: expect.stringContaining("copied whole"),
  });
  expect(guest.hold("operator", "ls", "--json").code).toBe(0);
  expect(lines(guest.hold("operator", "ls", "--json").out)).toHaveLength(1);
  expect(
    readdirSync(join(guest.env.HOLDFAST_HOME, readdirSync(guest.env.HOLDFAST_HOME)[0]!, "keys")).filter((f) =>
      f.endsWith(".key"),
    ),
  ).toHaveLength(1);
});

test("of several addresses the one that leads to the host is taken", async () => {
  const { invite } = share("--at", `ws://127.0.0.1:${await closedPort()}`, "--at", "ssh://box.example", "--at", url);
  const guest = machine();
  expect(json(guest.hold("join", String(invite), "-d", "--json").out)).toMatchObject({ url });
});

test("a host that listens nowhere says so, and its invitation works on its own machine", () => {
  const alone = machine();
  alone.hold("new", "build", "-d", "--", "sleep", "1000");
  const shared = alone.hold("share", "build", "--name", "eva");
  expect(shared.code).toBe(0);
  expect(shared.err).toMatch(/listens nowhere.*hold host up --listen/);
  expect(laptop.hold("join", shared.out.trim(), "-d")).toMatchObject({
    code: 5,
    err: expect.stringContaining("hold host up --listen"),
  });
  expect(alone.hold("join", shared.out.trim(), "-d").out).toBe("eva\n");
  expect(json(alone.hold("--as", "eva", "whoami", "--json").out)).toMatchObject({ name: "eva", guestOf: expect.any(String) });
});

test("an operator is invited by name, enrols a second device alone, and a lost one is revoked alone", () => {
  const [desk, phone] = [machine(), machine()];
  const invited = json(box.hold("operator", "invite", "ana", "--role", "operator", "--json").out);
  expect(Date.parse(String(invited["redeemUntil"])) - Date.now()).toBeLessThanOrEqual(600_000);
  expect(box.hold("operator", "invite", "ana", "--redeem-within", "11m")).toMatchObject({
    code: 2,
    err: expect.stringContaining("10 minutes"),
  });
  expect(json(desk.hold("join", String(invited["invite"]), "--json").out)).toMatchObject({
    operator: "ana",
    as: "ana",
    session: null,
  });
  // No admin is needed for a device of one's own; of others it takes one.
  const device = json(desk.hold("--host", url, "operator", "invite", "--device", "--json").out);
  expect(desk.hold("--host", url, "operator", "invite", "ben")).toMatchObject({
    code: 4,
    err: expect.stringContaining("host.admin"),
  });
  expect(desk.hold("--host", url, "operator", "invite", "eva", "--device").code).toBe(4);
  expect(json(phone.hold("join", String(device["invite"]), "--json").out)).toMatchObject({ operator: "ana", role: "operator" });
  const shown = json(box.hold("operator", "show", "ana", "--json").out);
  const [first, second] = shown["credentials"] as [Json, Json];
  expect([first, second]).toMatchObject([
    { usedVia: "cli", addedBy: expect.any(String), revokedAt: null },
    { usedVia: "cli", addedBy: "ana", revokedAt: null },
  ]);
  // Others see that there are keys, and no more.
  expect(json(laptop.hold("--host", url, "whoami", "--json").out)["credentials"]).toHaveLength(1);
  expect(phone.hold("--host", url, "operator", "revoke", "ana", "--key", String(first["id"]).slice(0, 12)).code).toBe(0);
  expect(desk.hold("--host", url, "ls")).toMatchObject({
    code: 4,
    err: expect.stringMatching(/\[key_revoked\].*hold operator invite --device/),
  });
  expect(json(phone.hold("--host", url, "whoami", "--json").out)).toMatchObject({ name: "ana" });
  box.hold("host", "down");
  box.hold("host", "up", "--listen", new URL(url).host);
  expect(desk.hold("--host", url, "ls").err).toContain("[key_revoked]");
});

test("who is to approve joins with a key that a passphrase keeps, and is asked for it whenever the key is used", () => {
  const desk = machine();
  const { invite } = json(box.hold("operator", "invite", "judge", "--role", "approver", "--json").out);
  writeFileSync(join(desk.folder, "secret"), "correct horse battery\n");
  const withSecret = (words: string): string => desk.shell(`hold ${words} --passphrase-fd 3 3<secret 2>&1`);
  expect(json(withSecret(`join ${String(invite)} --passphrase --json`))).toMatchObject({ operator: "judge", role: "approver" });
  const who = json(withSecret(`--host ${url} whoami --json`));
  expect(who).toMatchObject({ name: "judge", role: "approver" });
  const { keys, protectedKeys } = json(box.hold("operator", "show", "judge", "--json").out);
  expect(protectedKeys).toEqual(keys);
  expect(desk.hold("--host", url, "whoami").code).not.toBe(0);
});

test("a key of OpenSSH's is an operator's, by its line and by its file", () => {
  const file = join(box.folder, "id");
  const made = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ana@desk", "-f", file], { encoding: "utf8" });
  expect(made.status).toBe(0);
  expect(box.hold("operator", "add", "sshy", "--public-key", `${file}.pub`).code).toBe(0);
  expect(box.hold("operator", "add", "twice", "--public-key", readFileSync(`${file}.pub`, "utf8")).err).toContain(
    "belongs to an operator already",
  );
  const raw = Buffer.from(readFileSync(`${file}.pub`, "utf8").split(" ")[1]!, "base64").subarray(-32);
  expect(json(box.hold("operator", "show", "sshy", "--json").out)["keys"]).toEqual([
    createHash("sha256").update(raw).digest("hex"),
  ]);
  expect(box.hold("operator", "add", "rsa", "--public-key", "ssh-rsa AAAA x")).toMatchObject({
    code: 2,
    err: expect.stringContaining("ssh-keygen -t ed25519"),
  });
  expect(box.hold("operator", "add", "none", "--public-key", "no/such/file").code).toBe(2);
});
