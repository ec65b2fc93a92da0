/** Placeholder until the scanner is written: no cut points. */
export class QuerySplitter {
  ends(chunk: Uint8Array): readonly number[] { void chunk; return []; }
  skip(chunk: Uint8Array): void { void chunk; }
}
