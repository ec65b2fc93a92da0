/** Signals by the names that SSH has for them (RFC 4254 §6.10), and how a program ended. */
import { constants } from "node:os";
import type { Exit as ExitOnWire } from "@holdfast/protocol";
import type { Exit } from "./sink.ts";

const NAMES = new Set(["ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"]);
const numbers = constants.signals as Readonly<Record<string, number>>;

/** Null: there is no such signal here. */
export function signalNumber(name: string): number | null {
  return Object.hasOwn(numbers, `SIG${name}`) ? numbers[`SIG${name}`]! : null;
}

function signalName(number: number): string {
  const name =
    Object.keys(numbers)
      .find((key) => numbers[key] === number)
      ?.slice(3) ?? String(number);
  // Any other name carries whose it is.
  return NAMES.has(name) ? name : `${name}@holdfast`;
}

/** Null: it ended, and how is not known. */
export function exitOf(exit: ExitOnWire | null): Exit {
  if (exit?.code !== undefined) return { code: exit.code };
  return exit?.signal === undefined ? { code: 1 } : { signal: signalName(exit.signal), core: exit.core };
}
