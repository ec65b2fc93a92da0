/** The words for the wire's numbers, in the house's own spelling. */
import { type Exit, type OperatorKind, type Session, stateWord } from "@holdfast/sdk";
import { signalName } from "../read/signal.ts";

const operators: Readonly<Record<number, string>> = { 1: "human", 2: "service", 3: "ai" };

export const operatorKindWord = (n: number): string => operators[n] ?? "unknown";

export function operatorKindOf(word: string): OperatorKind | null {
  return word === "human" ? 1 : word === "service" ? 2 : word === "ai" ? 3 : null;
}

export const isRunning = (s: Session): boolean => stateWord(s.state) === "running";

/** `exit 3`, `SIGKILL (core dumped)`, `exit unknown`. */
export function exitText(exit: Exit | undefined): string {
  if (!exit) return "";
  if (exit.code !== undefined) return `exit ${exit.code}`;
  if (exit.signal !== undefined) return `${signalName(exit.signal)}${exit.core ? " (core dumped)" : ""}`;
  return exit.reason || "exit unknown";
}

/** What a shell would report: the code, or 128 and the signal; 1 when it is not known, and never a guessed 0. */
export function shellCode(exit: Exit | undefined): number {
  if (exit?.code !== undefined) return exit.code;
  if (exit?.signal !== undefined) return 128 + exit.signal;
  return 1;
}
