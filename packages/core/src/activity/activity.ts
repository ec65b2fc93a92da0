/**
 * What a session's program is doing, told without reading its text: exit, marks, termios and what the kernel says of
 * every member of the terminal's foreground group (docs/shell-integration.md, "Waiting").
 *
 *   A1  Stronger facts go first: the exit, then marks, then a member blocked in a read of the terminal, then termios alone.
 *   A2  One member that reads the terminal is enough: the question may come from any part of a pipeline.
 *   A3  `waiting_secret` means ECHO off with ICANON on, and nothing else; a password read in raw mode is not told apart.
 *   A4  What can't be read never makes a program waiting: without evidence it is `running`.
 * Elsewhere: states that operators cause (paused, preempted, needs approval, interrupted, lost) are the floor's and the host's.
 */
import type { ShellPhase } from "../command/index.ts";
import { type Architecture, callName, type KernelWait, waitOf } from "./kernel.ts";

export type Activity =
  | "finished"
  | "running"
  /** A line of input is awaited, or the rest of an unfinished command. */
  | "waiting_input"
  | "waiting_secret"
  /** A program that reads keys: an editor, a pager, a REPL, a nested shell. */
  | "interactive_app"
  /** The session's own shell reads a command. */
  | "idle_prompt";

/** What activity needs of a probe; the shim's `ShimProbe` fits. */
export interface Probe {
  readonly icanon: boolean;
  readonly echo: boolean;
  /** 0: none, or no terminal. */
  readonly foregroundPgrp: number;
  readonly leaderPid: number;
  readonly kernelInputBytes: number;
  readonly queuedInputBytes: number;
  readonly processes: readonly ProbedProcess[];
}

export interface ProbedProcess {
  readonly pid: number;
  readonly comm: string;
  /** As in /proc/PID/stat. */
  readonly state: string;
  /** Empty or `0`: unreadable, or not blocked. */
  readonly wchan: string;
  /** -1: unreadable, or not in a call. */
  readonly syscall: number;
  readonly syscallArg0: number;
}

/** What the marks say: a `ShellState` fits. */
export interface ShellFacts {
  readonly integrated: boolean;
  readonly phase: ShellPhase;
}

export interface ProgramFacts {
  readonly hasExited: boolean;
  /** The session was opened on a shell, known to us or not. */
  readonly isShell: boolean;
  readonly alternateScreen: boolean;
  readonly architecture: Architecture;
}

export interface Explanation {
  readonly activity: Activity;
  readonly because: "exit" | "marks" | "kernel" | "termios" | "nothing";
  /** The process that reads, where one is known. */
  readonly pid: number | null;
}

export function classify(probe: Probe, shell: ShellFacts, program: ProgramFacts): Activity {
  return explain(probe, shell, program).activity;
}

export function explain(probe: Probe, shell: ShellFacts, program: ProgramFacts): Explanation {
  const tell = (activity: Activity, because: Explanation["because"], pid: number | null = null): Explanation => ({
    activity,
    because,
    pid,
  });
  if (program.hasExited) return tell("finished", "exit");
  if (probe.foregroundPgrp === 0) return tell("running", "nothing");
  const isOwnShell = program.isShell && probe.foregroundPgrp === probe.leaderPid;
  if (isOwnShell && shell.integrated) {
    if (shell.phase === "editing") return tell("idle_prompt", "marks", probe.leaderPid);
    if (shell.phase === "continuation") return tell("waiting_input", "marks", probe.leaderPid);
    if (shell.phase === "prompt") return tell("running", "marks");
  }
  // Input on its way wakes whoever reads; what follows is not yet known.
  if (probe.queuedInputBytes > 0 || (probe.icanon && probe.kernelInputBytes > 0)) return tell("running", "kernel");

  const reader = findReader(probe, isOwnShell, program.architecture);
  if (probe.icanon && !probe.echo) {
    // Degraded: a setuid program (sudo, su) hides where it waits, but nothing else turns ECHO off alone.
    if (reader || isHidden(probe)) return tell("waiting_secret", reader ? "kernel" : "termios", reader?.pid ?? null);
    return tell("running", "kernel");
  }
  if (isOwnShell) {
    if (!reader) return tell("running", "kernel");
    // Without marks a shell's prompt and its builtin `read` look alike; the prompt is by far the likelier.
    return tell(shell.integrated ? "waiting_input" : "idle_prompt", "kernel", reader.pid);
  }
  if (!probe.icanon || program.alternateScreen)
    return tell("interactive_app", reader ? "kernel" : "termios", reader?.pid ?? null);
  return reader ? tell("waiting_input", "kernel", reader.pid) : tell("running", isHidden(probe) ? "nothing" : "kernel");
}

/** A2. The shell's own builtins and raw-mode programs also wait for the terminal in poll and select. */
function findReader(probe: Probe, isOwnShell: boolean, architecture: Architecture): ProbedProcess | undefined {
  const counts = (wait: KernelWait, process: ProbedProcess): boolean => {
    if (wait === "terminal") return true;
    // A read of unknown kind: only the head of a pipeline has the terminal for its stdin.
    if (wait === "read") return process.pid === probe.foregroundPgrp;
    return wait === "poll" && (isOwnShell || !probe.icanon);
  };
  return probe.processes.find((process) => process.state === "S" && counts(waitOf(process, architecture), process));
}

/** Nothing of the group can be read beyond its state. */
function isHidden(probe: Probe): boolean {
  return probe.processes.every((p) => p.state === "S" && p.syscall < 0 && !callName(p.wchan));
}
