/** Signals by name (`INT`, `SIGINT`, `int`) or number. */
import { constants } from "node:os";

const numbers: Readonly<Record<string, number>> = constants.signals;

export function parseSignal(text: string): number | null {
  if (/^\d{1,2}$/.test(text)) {
    const number = Number(text);
    return number >= 1 && number <= 64 ? number : null;
  }
  const name = text.toUpperCase();
  return numbers[name.startsWith("SIG") ? name : `SIG${name}`] ?? null;
}

/** `SIGKILL`, or `signal 40` where this system has no name for it. */
export function signalName(number: number): string {
  for (const [name, value] of Object.entries(numbers)) if (value === number) return name;
  return `signal ${number}`;
}

export function signalNames(): string[] {
  return Object.keys(numbers).map((name) => name.slice(3));
}
