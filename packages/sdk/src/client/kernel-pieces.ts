/** A kernel's message that came in pieces, put together. */
import { fromBinary, type KernelMessage, KernelMessageSchema, type KernelPiece } from "@holdfast/protocol";

export class Pieces {
  #parts: Uint8Array[] = [];

  /** The message, with its last piece. */
  take({ data, last }: KernelPiece): KernelMessage | null {
    this.#parts.push(data);
    if (!last) return null;
    const whole = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    this.clear();
    return fromBinary(KernelMessageSchema, whole);
  }

  /** What has come belongs to a link that is gone. */
  clear(): void {
    this.#parts = [];
  }
}
