/** Real programs under a real shell, probed through /proc as the shim does it. */
import { activity } from "@holdfast/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ShellName, ShellSession, shells } from "./shell-session.ts";

vi.setConfig({ testTimeout: 20_000 });
const { classify } = activity;
const architecture = process.arch === "arm64" ? "arm64" : "x64";

let session: ShellSession;
const look = async () => {
  const probe = await session.pty.probe<activity.Probe>();
  return {
    probe,
    activity: classify(probe, session.state, {
      hasExited: session.exit !== null,
      isShell: true,
      alternateScreen: false,
      architecture,
    }),
  };
};
/** Of a test's three minutes: each of its waits ends before it does, and says what was seen last. */
const SETTLES_MS = 60_000;
/** The activity settles: a probe too early sees the program start. */
const settles = async (wanted: string) => {
  for (const from = performance.now(); ; ) {
    const seen = await look();
    if (seen.activity === wanted) return;
    if (performance.now() - from > SETTLES_MS) throw new Error(`${seen.activity}, not ${wanted}: ${JSON.stringify(seen.probe)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const posix: readonly [text: string, wanted: string, out: string][] = [
  ["cat", "waiting_input", "\x04"],
  ["cat >/dev/null", "waiting_input", "\x04"],
  ["head -1", "waiting_input", "x\r"],
  ["sh -c 'read x'", "waiting_input", "x\r"],
  ["bash -c 'read -p \"name? \" x'", "waiting_input", "x\r"],
  ["bash -c 'read -s x'", "waiting_secret", "x\r"],
  ["bash -c '(read -p \"y/n?\" a; echo $a) | tail -1'", "waiting_input", "y\r"],
  ["bash -c 'sleep 0.1; read x </dev/tty' </dev/null", "waiting_input", "x\r"],
  ["sh -c 'echo go; cat | sort'", "waiting_input", "\x04"],
  ["python3 -c 'input()'", "waiting_input", "x\r"],
  ["python3 -c 'import getpass; getpass.getpass()'", "waiting_secret", "x\r"],
  ["stty -echo; cat; stty echo", "waiting_secret", "\x04"],
  ["sleep 60", "running", "\x03"],
  ["sleep 60 | cat", "running", "\x03"],
  ["sh -c 'while :; do :; done'", "running", "\x03"],
  ["tail -f /dev/null", "running", "\x03"],
  ["sh -c 'sleep 60 & wait'", "running", "\x03"],
  ["python3 -c 'import socket; s=socket.socket(); s.bind((\"127.0.0.1\",0)); s.listen(); s.accept()'", "running", "\x03"],
  ["python3 -c 'import select; select.select([],[],[],60)'", "running", "\x03"],
  ["python3 -m http.server 0 --bind 127.0.0.1", "running", "\x03"],
  ["node -e 'setInterval(()=>{},1e6)'", "running", "\x03"],
  ["python3 -q", "interactive_app", "\x04"],
  ["less /etc/passwd", "interactive_app", "q"],
  ["vim -u NONE -N", "interactive_app", "\x1b:q!\r"],
  ["bash --norc -i", "interactive_app", "exit\r"],
  ["top -d 60", "interactive_app", "q"],
  ["sh -c 'stty raw; head -c1; stty sane'", "interactive_app", "q"],
];

describe.each(shells)("under %s", (shell: ShellName) => {
  beforeEach(async () => {
    session = await ShellSession.open(shell, { env: { LESS: "", LESSSECURE: "1" } });
  });
  afterEach(() => session.close());

  test.each(posix)("%s is %s", async (text, wanted, out) => {
    await settles("idle_prompt");
    const { ended } = session.start(text);
    await session.until(() => session.state.phase === "running");
    if (wanted === "running") {
      // Running must also stay so: a program that starts up is running in any case.
      const name = text.split(" ")[0];
      for (let calm = 0; calm < 3; )
        calm = (await look()).probe.processes.some((p) => p.state === "S" || p.comm.startsWith(name ?? "")) ? calm + 1 : 0;
    }
    await settles(wanted);
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    // What starts up may not listen yet, and a person would press again too.
    while (!isOver) {
      session.type(out);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2_000))]);
    }
  });

  test("the builtin read waits for input, and for a secret where the shell has one", async () => {
    await settles("idle_prompt");
    const plain = session.start("read x");
    await settles("waiting_input");
    session.type("x\r");
    await plain.ended;
    if (shell === "fish") return; // its own reader is in raw mode: not told apart
    const secret = session.start("read -s y");
    await settles("waiting_secret");
    session.type("y\r");
    await secret.ended;
  });

  test("an open quote waits for input", async () => {
    await settles("idle_prompt");
    await session.run("echo 'x");
    await settles("waiting_input");
    await session.cancel();
    expect(session.lineDirt).toBeNull();
  });
});
