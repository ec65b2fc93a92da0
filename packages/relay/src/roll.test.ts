import { expect, test } from "vitest";
import type { BookedHost } from "./book.ts";
import { Roll } from "./roll.ts";

const entry = (id: string, name: string): { readonly line: { readonly host: BookedHost } } => ({
  line: { host: { id, name, fleet: "home", joinedUnixMs: 0, isRevoked: false } },
});

test("a host is called by its id and by its name, two of one name by both, and one whose name is another's id is not that one", () => {
  const roll = new Roll();
  const [box, other, odd] = [entry("1", "box"), entry("2", "box"), entry("3", "1")];
  for (const one of [box, other, odd]) roll.set(one);
  expect([roll.called("2"), roll.called("box"), roll.called("1"), roll.called("3")]).toEqual([
    [other],
    [box, other],
    [box, odd],
    [odd],
  ]);
  expect(roll.called("nobody")).toEqual([]);
});

test("one that is called otherwise now, or is gone, is not called by the name that it had", () => {
  const roll = new Roll();
  for (const one of [entry("1", "box"), entry("2", "box"), entry("1", "lab")]) roll.set(one);
  expect([roll.called("box"), roll.called("lab"), roll.size]).toEqual([[entry("2", "box")], [entry("1", "lab")], 2]);
  roll.delete("2");
  roll.delete("2");
  expect([roll.called("box"), roll.called("2"), [...roll.entries]]).toEqual([[], [], [entry("1", "lab")]]);
});
