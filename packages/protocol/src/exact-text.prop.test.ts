import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf, isOdd, textOf } from "./exact-text.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const strict = (bytes: Uint8Array): string | null => {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
};
const pieces = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 4 }).map((s) => new TextEncoder().encode(s)),
);

test("any bytes come back as they were, and valid UTF-8 is the text that it is", () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
      const bytes = Uint8Array.from(parts.flatMap((p) => [...p]));
      const text = textOf(bytes);
      expect([...bytesOf(text)]).toEqual([...bytes]);
      const decoded = strict(bytes);
      if (decoded !== null) expect(text).toBe(decoded);
      expect(isOdd(text)).toBe(decoded === null);
    }),
  );
});

test("a surrogate written as if it were a character, an overlong slash and a cut character are bytes", () => {
  for (const hex of ["edb280", "c0af", "e282", "f4908080", "ff"]) {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    expect([textOf(bytes).length, Buffer.from(bytesOf(textOf(bytes))).toString("hex")]).toEqual([bytes.length, hex]);
  }
});
