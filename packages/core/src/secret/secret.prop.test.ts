import fc from "fast-check";
import { expect, test } from "vitest";
import { Mask, Matcher, maskWhole, patternsOf } from "./index.ts";

const utf8 = new TextEncoder();
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

/** As keys look: long enough that chance does not make one in the text around it, whose letters they do not have. */
const secrets = fc.stringMatching(/^[A-HJ-NP-Z2-9+/=_.-]{8,90}$/);
const keys = fc.array(fc.stringMatching(/^[A-Z2-9+/]{20,64}$/), { minLength: 2, maxLength: 5 }).map((lines) => lines.join("\n"));
const values = fc.array(fc.oneof(secrets, keys), { minLength: 1, maxLength: 4 });
/** Text that holds no secret: none of its letters is in one. */
const plain = fc.stringMatching(/^[a-z \n]{0,30}$/);
const escapes = fc.constantFrom("\x1b[31m", "\x1b[0m", "\x1b[2;7H", "\r\n", "\n", " \r", "\x1b[K", "\x1b(B", "\x1b]8;;\x1b\\");

type Form = (value: string) => string;
const buffer = (value: string): Buffer => Buffer.from(value);
const forms: Record<string, Form> = {
  raw: (v) => v,
  "base64 at 0": (v) =>
    buffer(v)
      .toString("base64")
      .slice(0, Math.floor((v.length * 8) / 6)),
  "base64 at 1": (v) =>
    buffer(`x${v}`)
      .toString("base64")
      .slice(2, Math.floor(((v.length + 1) * 8) / 6)),
  "base64 at 2": (v) =>
    buffer(`xy${v}`)
      .toString("base64")
      .slice(3, Math.floor(((v.length + 2) * 8) / 6)),
  base64url: (v) =>
    buffer(v)
      .toString("base64url")
      .slice(0, Math.floor((v.length * 8) / 6)),
  hex: (v) => buffer(v).toString("hex"),
  HEX: (v) => buffer(v).toString("hex").toUpperCase(),
  url: (v) => encodeURIComponent(v),
  json: (v) => JSON.stringify(v).slice(1, -1),
  "in a title": (v) => `\x1b]0;${v}\x07`,
};
const form = fc.constantFrom(...Object.keys(forms));

const matcherOf = (all: readonly string[]): Matcher => new Matcher(all.flatMap((v) => patternsOf(utf8.encode(v))));

/** Cut into pieces at these places. */
function pieces(text: string, cuts: readonly number[]): string[] {
  const at = [0, ...new Set(cuts.map((c) => c % (text.length + 1))), text.length].sort((a, b) => a - b);
  return at.slice(1).map((to, i) => text.slice(at[i], to));
}

/** What of a form is secret: all but what a form of several lines or a title has around it. */
const solid = (text: string): string => text.replace(/\x1b\]0;|[\x00-\x20]/g, "");

test("however a stream is cut, no form of a secret comes through, and every other byte does", () => {
  fc.assert(
    fc.property(
      values,
      fc.array(fc.tuple(plain, fc.nat(), form), { maxLength: 6 }),
      plain,
      fc.array(fc.nat(), { maxLength: 40 }),
      (all, parts, tail, cuts) => {
        const mask = new Mask(matcherOf(all));
        let text = "";
        let wanted = "";
        for (const [before, which, name] of parts) {
          const shown = forms[name]!(all[which % all.length]!);
          text += `${before},${shown}\n,`;
          wanted += `${before},${shown.replace(/(\x1b\]0;)|[^\x00-\x20]/g, (c, title) => (title ? c : "*"))}\n,`;
        }
        text += tail;
        wanted += tail;
        const given = pieces(text, cuts).map((piece) => latin1(mask.take(bytes(piece))));
        given.push(latin1(mask.end()));
        expect(given.join("")).toBe(wanted);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("a secret that is coloured, wrapped and moved apart is masked character by character, and nothing else is", () => {
  fc.assert(
    fc.property(
      secrets,
      form,
      fc.array(fc.tuple(fc.nat(), escapes), { maxLength: 12 }),
      fc.array(fc.nat()),
      (value, name, put, cuts) => {
        fc.pre(name !== "in a title");
        const shown = forms[name]!(value);
        const between = new Map(put.map(([at, escape]) => [at % shown.length, escape]));
        const dressed = (star: boolean): string =>
          Array.from(shown, (c, i) => (between.get(i) ?? "") + (star ? "*" : c)).join("");
        const mask = new Mask(matcherOf([value]));
        const given = pieces(`so ${dressed(false)}, then`, cuts).map((piece) => latin1(mask.take(bytes(piece))));
        expect(given.join("") + latin1(mask.end())).toBe(`so ${dressed(true)}, then`);
      },
    ),
    { numRuns: 1_000 },
  );
});

test("who can't wait, whenever that is, is shown three bytes of a secret at most", () => {
  fc.assert(
    fc.property(secrets, form, fc.array(fc.nat(), { maxLength: 40 }), (value, name, cuts) => {
      const shown = forms[name]!(value);
      const mask = new Mask(matcherOf([value]));
      const given = pieces(`it is ${shown}, and`, cuts).map((piece) => latin1(mask.take(bytes(piece))) + latin1(mask.rest()));
      const text = given.join("");
      expect(text).toHaveLength(shown.length + 11);
      const left = Array.from(solid(text.slice(6, -5))).filter((c, i) => c !== "*" && c === solid(shown)[i]);
      expect(left.length).toBeLessThanOrEqual(3);
      expect([text.slice(0, 6), text.slice(-5)]).toEqual(["it is ", ", and"]);
    }),
    { numRuns: 1_000 },
  );
});

test("bytes that came after the first of a secret was given wait all the same", () => {
  const mask = new Mask(matcherOf(["ABCDEFGHI"]));
  expect(latin1(mask.take(bytes("A"))) + latin1(mask.rest())).toBe("A");
  expect(latin1(mask.take(bytes("BCDE"))) + latin1(mask.rest())).toBe("****");
});

test("text without secrets is what it was, whatever bytes it has", () => {
  fc.assert(
    fc.property(values, fc.array(fc.uint8Array({ maxLength: 200 })), (all, chunks) => {
      const matcher = matcherOf(all);
      const mask = new Mask(matcher);
      const given = [...chunks.map((chunk) => mask.take(chunk)), mask.end()];
      expect(Buffer.concat(given)).toEqual(Buffer.concat(chunks));
      expect(Buffer.from(maskWhole(matcher, Buffer.concat(chunks)))).toEqual(Buffer.concat(chunks));
    }),
  );
});

test("every suffix of 64 bytes of a long value is masked but for what is no whole piece at its beginning", () => {
  const value = Array.from({ length: 500 }, (_, i) => String.fromCharCode(65 + ((i * 7 + (i >> 3)) % 26))).join("");
  for (let from = 1; from <= value.length - 64; from++) {
    const masked = latin1(maskWhole(matcherOf([value]), bytes(value.slice(from))));
    expect(masked.replace(/\*+$/, "").length).toBeLessThan(32);
  }
});

test("values of fewer than 8 bytes are not taken, and the frame of a PEM block is no secret", () => {
  expect(matcherOf(["hunter2", "a b c d e f g"]).isEmpty).toBe(true);
  const pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ\n-----END PRIVATE KEY-----";
  const shown = latin1(maskWhole(matcherOf([pem]), bytes(pem)));
  expect(shown).toBe(`-----BEGIN PRIVATE KEY-----\n${"*".repeat(32)}\n${"*".repeat(18)}\n-----END PRIVATE KEY-----`);
});

test("what is held is bounded, whatever stands between the bytes of a secret", () => {
  const mask = new Mask(matcherOf(["ABCDEFGHIJKL"]));
  let given = latin1(mask.take(bytes("ABCDEF")));
  for (let i = 0; i < 9_000; i++) given += latin1(mask.take(bytes(" ")));
  expect(given.length).toBeGreaterThan(8 * 1024);
  expect(given.slice(0, 7)).toBe("****** ");
});

test("a secret that has begun says what of it has come", () => {
  const mask = new Mask(matcherOf(["ABCDEFGHIJKL"]));
  mask.take(bytes("so AB\x1b[1mC"));
  expect(mask.begun).toBeNull();
  mask.take(bytes("D\nE"));
  expect(latin1(mask.begun!)).toBe("ABCDE");
  mask.take(bytes("x"));
  expect(mask.begun).toBeNull();
});
