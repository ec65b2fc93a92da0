import { type Message, textOfMessage } from "@holdfast/kernel";
import type { KernelMessage } from "@holdfast/protocol";

/** As `textOfMessage`, of one on the wire. */
export function textOfKernel(message: KernelMessage): string | null {
  return textOfMessage(message as Message);
}
