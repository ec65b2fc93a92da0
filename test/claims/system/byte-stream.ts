/** Bytes as they come, to be looked at often while they grow. */
export class ByteStream {
  #buffer = Buffer.alloc(64 * 1024);
  #length = 0;

  push(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  /** All of it; a view. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }
}
