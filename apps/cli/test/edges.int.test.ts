/** The built `hold` where something goes away, is broken, or is not what it should be: no terminal needed. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { World } from "./terminal.ts";

let world: World;
beforeAll(() => {
  world = new World();
  world.hold("host", "up");
  world.hold("new", "work", "-d", "--", "bash", "--norc");
});
afterAll(() => world.end());

const home = (): string => (JSON.parse(world.hold("host", "status", "--json").out) as { home: string }).home;
const living = (): string[] =>
  world
    .hold("ls", "--json")
    .out.split("\n")
    .filter(Boolean)
    .map((l) => (JSON.parse(l) as { name: string }).name);

test("X1: a program beside the terminal whose reader goes away is ended", () => {
  expect(world.shell("hold exec work -- yes | head -2; echo ${PIPESTATUS[0]}")).toBe("y\ny\n141\n");
  expect(living()).toEqual(["work"]);
});

test("a program beside the terminal that outlasts its --timeout is ended", () => {
  const { code, err } = world.hold("exec", "work", "--timeout", "200ms", "--", "sleep", "1000");
  expect([code, err]).toEqual([124, expect.stringContaining("was ended")]);
  expect(living()).toEqual(["work"]);
});

test("Enter is a line feed to a job on pipes", () => {
  world.hold("new", "job", "--pipes", "-d", "--", "sh", "-c", 'read line; echo "got $line"');
  world.hold("send", "job", "hello", "--enter");
  world.hold("wait", "job", "--exit");
  expect(world.hold("log", "job", "--raw").out).toBe("got hello\n");
});

test("bytes that are no text are not typed as others", () => {
  expect(world.shell("hold run work -- $'echo \\xff' 2>&1; echo $?")).toMatch(/^\[usage\] .*not UTF-8.*\n2\n$/);
});

test("what ended a session is told as it was", () => {
  world.hold("new", "hard", "-d", "--", "sleep", "1000");
  world.hold("kill", "hard", "--grace", "0s");
  expect(JSON.parse(world.hold("log", "hard", "--kind", "signalled", "--json").out)).toMatchObject({ signal: 9, target: "tree" });
});

test("a key that can't be read is named, with what to do", () => {
  const file = join(home(), "keys", `${readFileSync(join(home(), "keys", "default"), "utf8").trim()}.key`);
  const key = readFileSync(file);
  writeFileSync(file, "garbage");
  const { code, err } = world.hold("ls");
  writeFileSync(file, key);
  expect([code, err]).toEqual([4, expect.stringContaining(file)]);
});

test("S1, S2: a host that can't start says why, and is down when `host down` says so", () => {
  const at = home();
  world.hold("host", "down");
  const key = readFileSync(join(at, "host.key"));
  writeFileSync(join(at, "host.key"), "garbage");
  const { code, err } = world.hold("ls");
  expect([code, err]).toEqual([5, expect.stringMatching(/^\[unreachable\] the host can't start: .+host\.log/)]);
  const down = () => JSON.parse(world.hold("host", "down", "--json").out) as object;
  expect(down()).toEqual({ down: true, ran: true, running: null });
  expect(down()).toEqual({ down: true, ran: false, running: null });
  writeFileSync(join(at, "host.key"), key);
  expect(living()).toEqual(["work"]);
});
