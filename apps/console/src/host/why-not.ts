/** The host's no to an invitation, in the words of somebody who has only a link. */
import { HoldError } from "@holdfast/sdk";

export function whyNot(fault: unknown): string {
  if (fault instanceof HoldError && fault.code === "invitation_unknown")
    return "This link has been used, is over or was taken back: each is good once, for a few minutes. hold console prints a new one.";
  return fault instanceof Error ? fault.message : String(fault);
}
