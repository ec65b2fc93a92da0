/** Which items of a timeline are shown. */
import type { Item, ItemKind } from "./item.ts";

export interface Filter {
  /** Operator id; null: anybody. */
  readonly actor: string | null;
  /** Null: all kinds. */
  readonly kind: ItemKind | null;
  /** In any case of letters. */
  readonly text: string;
}

export const everything: Filter = { actor: null, kind: null, text: "" };

export function filtered(items: readonly Item[], { actor, kind, text }: Filter): readonly Item[] {
  const wanted = text.trim().toLowerCase();
  if (actor === null && kind === null && wanted === "") return items;
  return items.filter(
    (item) =>
      (actor === null || item.actor === actor || item.to === actor) &&
      (kind === null || item.kind === kind || (kind === "input" && item.typed !== undefined)) &&
      (wanted === "" || item.text.toLowerCase().includes(wanted) || (item.command?.cwd.toLowerCase().includes(wanted) ?? false)),
  );
}

export const kindNames: Readonly<Record<ItemKind, string>> = {
  command: "Commands",
  input: "Typed",
  floor: "Floor",
  people: "Who came and left",
  approval: "Approvals",
  file: "Files",
  size: "Sizes",
  life: "Begin and end",
  gap: "Gaps",
  other: "Other",
};
