/** What a session gets of who opened it: every byte; and what the host gets: nothing of the caller's own programs'. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { fact, lives, read } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));

/** Runs a line of bash as a caller in this world's folder. */
async function caller(w: World, script: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const shell = spawn("bash", ["-c", script], { cwd: w.files, env: { ...w.env, ...more, HOLD: hold }, stdio: "inherit" });
  expect(await once(shell, "exit")).toEqual([0, null]);
}

const written = (w: World): Promise<string> =>
  fact("the program has written all", () => {
    const text = readFileSync(w.path("got"), "latin1");
    return text.endsWith("end") ? text : null;
  });

const program = `sh -c 'printf "%s|%s|%s|end" "$ODD" "$1" "$(pwd -P)" >"$GOT"' sh "$(printf 'a\\377\\303')"`;
const odd = `mkdir "$(printf 'd\\376')" && cd "$(printf 'd\\376')" && export ODD="$(printf '\\357\\273\\277v\\377\\200\\303\\251')" GOT=$HOLDFAST_WORLD/files/got`;

test("variables, arguments and the folder that are no UTF-8 reach the program byte for byte", async () => {
  const w = await world();
  await caller(w, `${odd}; "$HOLD" new odd -d -- ${program} >/dev/null`);
  expect(await written(w)).toBe(`\xef\xbb\xbfv\xff\x80\xc3\xa9|a\xff\xc3|${w.files}/d\xfe|end`);
});

test("hold exec runs in the bytes of the session's folder and environment, with the bytes of its own arguments", async () => {
  const w = await world();
  await caller(w, `${odd}; "$HOLD" new odd -d -- sleep 1000 >/dev/null; "$HOLD" exec odd -- ${program}`);
  expect(await written(w)).toBe(`\xef\xbb\xbfv\xff\x80\xc3\xa9|a\xff\xc3|${w.files}/d\xfe|end`);
});

test("NODE_OPTIONS and preloaded libraries of who first runs hold are its sessions', and never the host's", async () => {
  const w = await world();
  const { keeperPid } = await w.status();
  await (await w.connect()).down();
  await fact("the first host and its keeper have gone", () => !lives(keeperPid));
  const theirs = { NODE_OPTIONS: "--no-deprecation", NODE_EXTRA_CA_CERTS: "/dev/null", LD_LIBRARY_PATH: "/nowhere" };
  await caller(
    w,
    `"$HOLD" new -d -- sh -c 'printf "%s|%s|%s|end" "$NODE_OPTIONS" "$NODE_EXTRA_CA_CERTS" "$LD_LIBRARY_PATH" >got' >/dev/null`,
    theirs,
  );
  expect(await written(w)).toBe("--no-deprecation|/dev/null|/nowhere|end");
  const host = read(await w.hostPid(), "environ");
  expect(host).toContain("HOLDFAST_HOME=");
  expect(Object.keys(theirs).filter((name) => host.includes(name))).toEqual([]);
});
