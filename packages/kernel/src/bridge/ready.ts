/**
 * When a kernel is ready: all five sockets joined (sockets.ts, Z2), a kernel_info_reply on shell, and anything heard on iopub, which
 * proves that the subscription has reached it. Until then it is asked again: the first questions' statuses may have been missed.
 */
import { type Channel, headOf, type Message, parsed } from "../message/index.ts";
import type { Port } from "./connection.ts";

/** How often it is asked. A kernel that is busy is never asked again: what it has not read would pile up. */
export const NUDGE_MS = 25;

export class Readiness {
  #missing = new Set<Port | "kernel_info" | "output">(["shell", "control", "stdin", "iopub", "hb", "kernel_info", "output"]);
  info: Record<string, unknown> = {};

  joined(port: Port): void {
    this.#missing.delete(port);
  }

  heard(channel: Channel, message: Message): void {
    if (channel === "iopub") this.#missing.delete("output");
    if (channel !== "shell" || headOf(message.header)?.msgType !== "kernel_info_reply") return;
    this.#missing.delete("kernel_info");
    this.info = parsed(message.content) ?? {};
  }

  get isReady(): boolean {
    return this.#missing.size === 0;
  }
  /** Worth a question: the kernel can hear it and answer. */
  get canBeAsked(): boolean {
    return !this.#missing.has("shell") && !this.#missing.has("iopub");
  }
  get missing(): string[] {
    return [...this.#missing];
  }
}
