/** Faults of whichever copy of this package: an entry that is bundled by itself has its own class. */
import { type Code, HoldError } from "@holdfast/protocol";

export const codeOf = (fault: unknown): Code | null => {
  const { name, code } = (fault ?? {}) as { name?: unknown; code?: unknown };
  return name === "HoldError" && typeof code === "string" ? (code as Code) : null;
};
export const messageOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));
export const runFault = (code: Code, message: string, details: Readonly<Record<string, string>> = {}): HoldError =>
  new HoldError(code, message, details);
