import { type Message, textOfMessage } from "@holdfast/kernel";
import type { KernelMessage } from "@holdfast/protocol";
import type { KernelSaid } from "../api/index.ts";

/** As `textOfMessage`, of one on the wire. */
export function textOfKernel(message: KernelMessage): string | null {
  return textOfMessage(message as Message);
}

/** The same, of one that was told. */
export function textOfSaid({ raw, buffers }: Pick<KernelSaid, "raw" | "buffers">): string | null {
  return textOfMessage({ ...raw, buffers });
}
