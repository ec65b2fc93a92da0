/** What a sender is told of input that was not taken, or not whole: the code, which session, and what to do next. */
import { command, type InputDecision, type SessionFacts } from "@holdfast/core";
import { HoldError, limits, type Code, type Input } from "@holdfast/protocol";
import type { ShimResult } from "@holdfast/shim";
import type { CommandWatch } from "./command-watch.ts";

const MAX_UNIT_CHARS = 64;

export type LedgerRefusal = Extract<InputDecision, { kind: "refuse" }>["code"];

/** `session`: as people are told of it. `unsettledBytes`: what waits for the program. */
export function ledgerRefusal(code: LedgerRefusal, session: string, unsettledBytes: number): HoldError {
  switch (code) {
    case "input_blocked":
      return new HoldError(
        "input_blocked",
        `the program of session ${session} is not reading: ${unsettledBytes} bytes wait; interrupt it, or send less at a time`,
      );
    case "input_cut":
      return new HoldError(
        "input_cut",
        `the rest of this paste into session ${session} was cut off by a change of the floor or an interrupt`,
      );
    case "superseded":
      return new HoldError(
        "input_void",
        `that frame of session ${session} was refused before, and later ones were accepted since`,
      );
    case "bad_request":
      return new HoldError("bad_request", "frames are numbered from 1");
  }
}

/** What a kernel reads is said by the host alone, message by message. */
export function kernelRefusal({ label, facts }: { readonly label: string; readonly facts: SessionFacts }): HoldError {
  const name = facts.name || facts.id;
  return new HoldError(
    "unsupported",
    `session ${label} is a kernel, and nothing is typed into that: hold run ${name} gives it code, hold kernel reply ${name} answers what it asks`,
    { session: facts.id },
  );
}

/** What no session would take. */
export function malformation(frame: Input): HoldError | null {
  if (frame.data.length > limits.inputFrameBytes)
    return new HoldError("bad_request", `an input frame of ${frame.data.length} bytes; ${limits.inputFrameBytes} at most`);
  if (frame.interrupt && frame.data.length !== 1) return new HoldError("bad_request", "an interrupt is one byte");
  if (frame.unit.length > MAX_UNIT_CHARS)
    return new HoldError("bad_request", `a unit's name has ${MAX_UNIT_CHARS} characters at most`);
  return null;
}

/** The shim has refused, dropped or cut an input. */
export function settledError(facts: SessionFacts, r: ShimResult): HoldError {
  const session = facts.name || facts.id;
  const details = { session: facts.id, input: String(r.seq) };
  if (r.status === "void")
    return new HoldError(
      "input_void",
      `input ${r.seq} of session ${session} was dropped unwritten: the floor changed hands or an interrupt passed it`,
      details,
    );
  if (r.status === "cut")
    return new HoldError(
      "input_cut",
      `only ${r.bytes} bytes of input ${r.seq} of session ${session} were written: the floor changed hands or an interrupt passed it`,
      details,
    );
  const codes: Partial<Record<string, Code>> = {
    line_too_long: "line_too_long",
    queue_full: "input_blocked",
    exited: "session_ended",
  };
  const text =
    r.refusal === "line_too_long"
      ? `a line of more than ${limits.canonicalLineBytes} bytes would be cut by the terminal of session ${session}; send it in shorter lines, or through a file`
      : `the shim of session ${session} refused input ${r.seq}: ${r.refusal}`;
  return new HoldError(codes[r.refusal] ?? "internal", text, details);
}

/** Why no command can be typed into this shell now, by all that is under way already; null if one can. */
export function runRefusal(facts: SessionFacts, commands: CommandWatch): HoldError | null {
  const code = command.refuseRun(commands.stateToCome);
  if (!code) return null;
  const typist = commands.lineDirty;
  return new HoldError(code, runRefusalText(code, facts, typist), {
    session: facts.id,
    ...(code === "line_not_empty" && typist ? { typist } : {}),
  });
}

function runRefusalText(code: command.RunRefusal, { name, id, running }: SessionFacts, typist: string | null): string {
  const label = `session ${name} (${id})`;
  switch (code) {
    case "no_integration":
      return `${label} runs no shell that says when a command begins and ends; use hold exec, or hold send with hold wait`;
    case "incomplete_command":
      return `the shell of ${label} waits for the rest of a command; finish it, or press Ctrl-C there`;
    case "not_at_prompt":
      return `the shell of ${label} is running ${running ? JSON.stringify(running) : "something"}; hold wait ${name} --command, or hold exec`;
    case "line_not_empty":
      return `there is half a line typed in ${label}${typist ? ` (by ${typist})` : ""}; send or clear it first`;
  }
}
