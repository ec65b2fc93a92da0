/** What a kernel's record says to who reads text, as bytes of one stream. */
import { RecordDecoder, textOfMessage } from "@holdfast/kernel";
import { bytesOf } from "@holdfast/protocol";

export class KernelText {
  // An AI's bytes may be masked, and have another checksum then.
  readonly #decoder = new RecordDecoder(null);
  #at = 0;

  push(payload: Uint8Array, tell: (offset: number, text: Uint8Array) => void): void {
    for (const found of this.#decoder.push(Uint8Array.from(payload))) {
      if (!("record" in found) || found.record.kind !== "message" || found.record.channel !== "iopub") continue;
      const text = bytesOf(textOfMessage(found.record.message) ?? "");
      if (text.length > 0) tell(this.#at, text);
      this.#at += text.length;
    }
  }
}
