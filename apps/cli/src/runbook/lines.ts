/** Whole lines, each behind a prefix: what several write at once stays apart. */
const LF = 0x0a;

export class LineWriter {
  readonly #prefix: Buffer;
  readonly #write: (bytes: Uint8Array) => void;
  #open: Buffer[] = [];

  constructor(prefix: string, write: (bytes: Uint8Array) => void) {
    this.#prefix = Buffer.from(prefix);
    this.#write = write;
  }

  write(bytes: Uint8Array): void {
    let from = 0;
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, from)) {
      this.#line(bytes.subarray(from, at + 1));
      from = at + 1;
    }
    if (from < bytes.length) this.#open.push(Buffer.from(bytes.subarray(from)));
  }

  /** What no line end followed gets one. */
  end(bytes: Uint8Array): void {
    this.write(bytes);
    if (this.#open.length > 0) this.#line(Buffer.from("\n"));
  }

  #line(rest: Uint8Array): void {
    this.#write(Buffer.concat([this.#prefix, ...this.#open, rest]));
    this.#open = [];
  }
}
