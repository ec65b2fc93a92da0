import { describe, expect, test } from "vitest";
import {
  type Activity,
  classify,
  explain,
  type Probe,
  type ProbedProcess,
  type ProgramFacts,
  type ShellFacts,
} from "./activity.ts";
import { waitOf } from "./kernel.ts";

const shellPid = 100;
const program: ProgramFacts = { hasExited: false, isShell: true, alternateScreen: false, architecture: "x64" };
const running: ShellFacts = { integrated: true, phase: "running" };
const process = (more: Partial<ProbedProcess> = {}): ProbedProcess => ({
  pid: 200,
  comm: "prog",
  state: "S",
  wchan: "do_wait",
  syscall: 61,
  syscallArg0: 0,
  ...more,
});
const probe = (more: Partial<Probe> = {}, ...processes: Partial<ProbedProcess>[]): Probe => ({
  icanon: true,
  echo: true,
  foregroundPgrp: 200,
  leaderPid: shellPid,
  kernelInputBytes: 0,
  queuedInputBytes: 0,
  processes: processes.map(process),
  ...more,
});
const reading = { syscall: 0, wchan: "wait_woken" };
const polling = { syscall: 270, wchan: "do_select" };
const raw = { icanon: false, echo: false };
const own = { foregroundPgrp: shellPid };

test.each<[string, Activity, Probe, ShellFacts?, Partial<ProgramFacts>?]>([
  ["a program that has ended", "finished", probe(), running, { hasExited: true }],
  ["no terminal", "running", probe({ foregroundPgrp: 0 })],
  ["the prompt", "idle_prompt", probe({ ...own, ...raw }), { integrated: true, phase: "editing" }],
  ["an unfinished command", "waiting_input", probe({ ...own, ...raw }), { integrated: true, phase: "continuation" }],
  ["hooks before the prompt", "running", probe({ ...own }, reading), { integrated: true, phase: "prompt" }],
  [
    "a prompt without integration",
    "idle_prompt",
    probe({ ...own, ...raw }, { pid: shellPid, ...polling }),
    { integrated: false, phase: "unknown" },
  ],
  ["the prompt of dash", "idle_prompt", probe(own, { pid: shellPid, ...reading }), { integrated: false, phase: "unknown" }],
  ["the builtin read", "waiting_input", probe(own, { pid: shellPid, ...reading })],
  ["the builtin read -t", "waiting_input", probe(own, { pid: shellPid, ...polling })],
  ["the builtin read -s", "waiting_secret", probe({ ...own, echo: false }, { pid: shellPid, ...reading })],
  ["a busy loop of the shell's", "running", probe(own, { pid: shellPid, state: "R", syscall: -1, wchan: "0" })],
  ["cat", "waiting_input", probe({}, reading)],
  ["getpass on /dev/tty", "waiting_secret", probe({ echo: false }, { ...reading, syscallArg0: 4 })],
  ["the first of a pipeline that asks", "waiting_input", probe({}, reading, { pid: 201, syscall: 0, wchan: "anon_pipe_read" })],
  ["a script's child that asks", "waiting_input", probe({}, {}, { pid: 201, ...reading })],
  ["a reader of a pipe", "running", probe({}, { syscall: 0, wchan: "anon_pipe_read" })],
  ["a sleeper", "running", probe({}, { syscall: 230, wchan: "hrtimer_nanosleep" })],
  ["a loop", "running", probe({}, { state: "R", syscall: -1, wchan: "0" })],
  ["a server in accept", "running", probe({}, { syscall: 43, wchan: "inet_csk_accept" })],
  ["a server in epoll", "running", probe({}, { syscall: 232, wchan: "ep_poll" })],
  ["an editor", "interactive_app", probe(raw, polling)],
  ["a pager", "interactive_app", probe(raw, { ...reading, syscallArg0: 3 })],
  ["an editor that computes", "interactive_app", probe(raw, { state: "R", syscall: -1, wchan: "0" })],
  [
    "a full-screen program in cooked mode",
    "interactive_app",
    probe({}, { syscall: 230, wchan: "hrtimer_nanosleep" }),
    running,
    { alternateScreen: true },
  ],
  ["input that is on its way to a reader", "running", probe({ queuedInputBytes: 3 }, reading)],
  ["a line that the reader has yet to take", "running", probe({ kernelInputBytes: 3 }, reading)],
  [
    "a session that is no shell",
    "waiting_input",
    probe(own, { pid: shellPid, ...reading }),
    { integrated: false, phase: "unknown" },
    { isShell: false },
  ],
  ["a stopped program", "running", probe({}, { ...reading, state: "T" })],
  // degraded
  ["sudo's question, all hidden", "waiting_secret", probe({ echo: false }, { syscall: -1, wchan: "0" })],
  ["a hidden program with ECHO on", "running", probe({}, { syscall: -1, wchan: "" })],
  ["a hidden program in raw mode", "interactive_app", probe(raw, { syscall: -1, wchan: "" })],
  ["ECHO off while it computes", "running", probe({ echo: false }, { state: "R", syscall: -1, wchan: "0" })],
  ["cat, only wchan readable", "waiting_input", probe({}, { syscall: -1, wchan: "wait_woken" })],
  ["vim, only wchan readable", "interactive_app", probe(raw, { syscall: -1, wchan: "do_select.constprop.0" })],
  ["cat, only syscall readable", "waiting_input", probe({}, { syscall: 0, wchan: "0" })],
  [
    "the last of a pipeline, only syscall readable",
    "running",
    probe({}, { syscall: 230, wchan: "0" }, { pid: 201, syscall: 0, wchan: "0" }),
  ],
  ["no process seen at all", "running", probe()],
])("%s is %s", (_, activity, p, shell = running, more = {}) => {
  expect(classify(p, shell, { ...program, ...more })).toBe(activity);
});

test("the reason and the reader are told", () => {
  expect(explain(probe({}, {}, { pid: 207, ...reading }), running, program)).toEqual({
    activity: "waiting_input",
    because: "kernel",
    pid: 207,
  });
  expect(explain(probe({ echo: false }, { syscall: -1, wchan: "" }), running, program)).toEqual({
    activity: "waiting_secret",
    because: "termios",
    pid: null,
  });
});

describe("calls have other numbers on arm64", () => {
  test.each([
    [63, "terminal"],
    [65, "terminal"],
    [0, "other"],
    [72, "poll"],
    [73, "poll"],
    [22, "poll"],
    [101, "other"],
  ] as const)("%i: %s", (syscall, wait) => {
    expect(waitOf({ syscall, wchan: "wait_woken" }, "arm64")).toBe(wait);
  });
});
