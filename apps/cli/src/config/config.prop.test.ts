import fc from "fast-check";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { flatten } from "./settings.ts";
import { setInToml } from "./toml-edit.ts";

const texts = fc.constantFrom(
  "",
  "# only a comment\n",
  '[attach]\nprefix = "C-q" # mine\nscreen = "main"\n\n[other]\nx = 1\n',
  'attach.prefix = "C-b"\n[show]\ncolour = "never"\n',
  "[other]\n[other.deep]\ny = [1, 2]\n",
);

test("T1: setting one value changes that value and nothing else, comments included", () => {
  fc.assert(
    fc.property(
      texts,
      fc.constantFrom("attach.prefix", "attach.screen", "show.colour", "host.sessions"),
      fc.oneof(fc.string(), fc.nat(), fc.boolean()),
      (text, key, value) => {
        const after = setInToml(text, key, value);
        const expected = flatten(parse(text));
        expected.set(key, value);
        expect(new Map([...flatten(parse(after))].sort())).toEqual(new Map([...expected].sort()));
        for (const comment of text.match(/#.*/g) ?? []) expect(after).toContain(comment);
      },
    ),
  );
});
