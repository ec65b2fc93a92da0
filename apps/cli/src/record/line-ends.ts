/** The program's own line ends: its terminal made CR LF of each LF, and a pipe or a file wants them as they were. */
const none = new Uint8Array();

export class LineEnds {
  #carriageReturn = false;

  feed(bytes: Uint8Array): Uint8Array {
    const text =
      (this.#carriageReturn ? "\r" : "") + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
    this.#carriageReturn = text.endsWith("\r");
    return Buffer.from((this.#carriageReturn ? text.slice(0, -1) : text).replaceAll("\r\n", "\n"), "latin1");
  }

  /** A carriage return that nothing followed. */
  rest(): Uint8Array {
    const left = this.#carriageReturn ? Buffer.from("\r") : none;
    this.#carriageReturn = false;
    return left;
  }
}
