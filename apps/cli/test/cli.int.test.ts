/** The built `hold` at a real terminal (tmux), with real shells and programs. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { World } from "./terminal.ts";

let world: World;
beforeAll(() => {
  world = new World();
  world.hold("host", "up");
});
afterAll(() => world.end());

const open = (name: string, ...command: string[]) => {
  const { out, err, code } = world.hold("new", name, "-d", "--", ...(command.length > 0 ? command : ["bash", "--norc"]));
  expect(err + code).toBe("0");
  return out.trim();
};

test("attaching draws the screen, leaving gives one's own back, and the session runs on", async () => {
  open("one");
  world.hold("send", "one", "echo mar''ker", "--enter");
  const t = await world.terminal("one");
  t.type("echo mine", "Enter", "hold attach one", "Enter");
  await t.until("marker");
  t.type("echo ty''ped", "Enter");
  await t.until(/^typed/m);
  t.type("C-q", "d");
  const after = await t.until("[detached from one]");
  expect(after).toMatch(/^mine$/m);
  expect(after).not.toContain("marker");
  expect(JSON.parse(world.hold("show", "one", "--json").out)).toMatchObject({ state: "running", operators: [] });
});

test("vim in a session, left and entered again at another size, is whole; after it the shell's screen is back", async () => {
  open("edit");
  world.hold("send", "edit", "PS1='in> '; clear", "--enter");
  const t = await world.terminal("edit", 80, 20);
  t.type("hold attach edit", "Enter");
  await t.until("in>");
  t.type("vim -u NONE -N", "Enter");
  await t.until(/^~/m);
  t.type("i", "first line");
  await t.until("first line");
  t.type("C-q", "d");
  await t.until("detached");
  t.resize(60, 15);
  t.type("clear; hold attach edit", "Enter");
  expect(await t.until("first line")).toMatch(/^~/m);
  t.type("Escape", ":set nomodified | q", "Enter");
  const shell = await t.until("in>");
  expect(shell).not.toContain("first line");
  t.type("C-q", "d");
  await t.until(/detached[\s\S]*outer\$$/);
});

test("the host is killed under an attachment: it says so, comes back by itself and what is typed arrives once", async () => {
  open("tough");
  const t = await world.terminal("tough");
  t.type("hold attach tough", "Enter");
  await t.until("tough ·");
  process.kill(world.hostPid(), "SIGKILL");
  await t.until("the link is back");
  t.type("echo once", "Enter");
  await t.until(/^once$/m);
  const typed = world
    .hold("log", "tough", "--kind", "input", "--json")
    .out.split("\n")
    .filter(Boolean)
    .map((l) => (JSON.parse(l) as { text: string }).text)
    .join("");
  expect(typed).toBe("echo once\r");
  t.type("C-q", "d");
});

test("a second operator of another size looks through a window, takes over by typing, and the size with it", async () => {
  open("shared");
  world.hold("operator", "add", "ana");
  const a = await world.terminal("a", 80, 24);
  const b = await world.terminal("b", 50, 12);
  a.type("hold attach shared", "Enter");
  // Typed ahead, while the command starts.
  a.type("stty size", "Enter");
  await a.until("24 80");
  b.type("hold --as ana attach shared", "Enter");
  await b.until("24 80");
  await a.until("ana");
  world.hold("release", "shared");
  b.type("stty size", "Enter");
  await b.until("12 50");
  const letterboxed = await a.until(/│/);
  expect(letterboxed).toContain("12 50");
  a.type("C-q", "d");
  b.type("C-q", "d");
  await b.until("detached");
});

test("copy mode finds what scrolled away long ago", async () => {
  open("long");
  world.hold("run", "long", "--", "seq -f 'line %g' 1 5000");
  const t = await world.terminal("copy");
  t.type("hold attach long", "Enter");
  await t.until("line 5000");
  t.type("C-q", "[");
  await t.until("history of long");
  t.type("/", "line 1234", "Enter");
  await t.until(/^line 1234$/m);
  t.type("q");
  await t.until("line 5000");
  t.type("C-q", "d");
});

test("the session's end is told with its code, and the terminal is in order", async () => {
  open("short");
  const t = await world.terminal("end");
  t.type("hold attach short", "Enter");
  await t.until("short ·");
  t.type("printf '\\e[?1000h\\e[?2004h\\e[?25l'; exit 3", "Enter");
  await t.until("[short ended: exit 3]");
  t.type("echo back", "Enter");
  await t.until(/^back$/m);
  expect(world.hold("attach", "short")).toMatchObject({ code: 1 });
});

test("from inside, a session can't be attached to itself", async () => {
  open("self");
  const { out } = world.hold("run", "self", "--", "hold attach self < /dev/null 2>&1; echo code $?");
  expect(out).toContain("[attach_to_itself]");
  expect(out).toContain("code 4");
});

test("completion works in bash, zsh and fish", () => {
  open("completed");
  const bash = world.shell(
    `source <(hold completion bash); COMP_WORDS=(hold attach comp); COMP_CWORD=2; _hold; echo "\${COMPREPLY[@]}"`,
  );
  expect(bash.trim()).toBe("completed");
  expect(
    world.shell(`source <(hold completion bash); COMP_WORDS=(hold au); COMP_CWORD=1; _hold; echo "\${COMPREPLY[@]}"`).trim(),
  ).toBe("audit");
  const breaks = `COMP_WORDBREAKS=$' \\t\\n"><=;|&(:'`;
  expect(
    world
      .shell(
        `source <(hold completion bash); ${breaks}; COMP_WORDS=(hold cp completed : /etc/hostn); COMP_CWORD=4; _hold; echo "\${COMPREPLY[@]}"`,
      )
      .trim(),
  ).toBe("/etc/hostname");
  expect(
    world.shell(`hold completion fish | source; complete -C 'hold cp completed:/etc/hostn'`, "fish", ["--no-config"]),
  ).toMatch(/^completed:\/etc\/hostname\b/);
  expect(world.shell(`hold completion fish | source; complete -C 'hold attach comp'`, "fish", ["--no-config"])).toMatch(
    /^completed\b/,
  );
  expect(world.shell(`hold completion fish | source; complete -C 'hold new x --fl'`, "fish", ["--no-config"])).toMatch(
    /^--floor\b/,
  );
  const zsh = world.shell(
    `autoload -U compinit && compinit -u; source <(hold completion zsh); _describe() { print -l "\${(P)3[@]}"; }; words=(hold attach comp); CURRENT=3; _hold`,
    "zsh",
    ["-f"],
  );
  expect(zsh.trim()).toMatch(/^completed/);
  const folder = world.shell(
    `autoload -U compinit && compinit -u; source <(hold completion zsh); compadd() { print -r -- "$@"; }; words=(hold cp completed:/et); CURRENT=3; _hold`,
    "zsh",
    ["-f"],
  );
  expect(folder.trim()).toMatch(/^-S {2}-- .*\bcompleted:\/etc\//);
});

test("a command of somebody else's on the path becomes one of hold's, but for names that are hold's own", () => {
  const bin = `${world.folder}/bin`;
  world.shell(
    `mkdir -p ${bin}; printf '#!/bin/sh\\necho other "$@"; exit 7\\n' > ${bin}/hold-other; cp ${bin}/hold-other ${bin}/hold-ls; chmod +x ${bin}/*`,
  );
  expect(world.shell(`PATH=${bin}:$PATH; hold other a --as x; echo $?`)).toBe("other a --as x\n7\n");
  expect(world.shell(`PATH=${bin}:$PATH hold ls`)).toContain("NAME");
});
