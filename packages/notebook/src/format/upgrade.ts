/** From an older minor of nbformat 4 to 4.5, as `nbformat.v4.upgrade` does: each cell gets an id, nothing else changes in a file. */
import { idOf, type Notebook } from "./notebook.ts";

/** Where new ids come from. A used id is asked for again. Any text of 1 to 64 letters, digits, `-` and `_`. */
export type MakeId = () => string;

/** How often a source may give a used or misshapen id before it is a defect: chance of 32 bits never comes near. */
const MAX_TRIES = 100;

export function isCellId(id: string): boolean {
  return /^[a-zA-Z0-9_-]{1,64}$/.test(id);
}

/** An id that is not in `taken`. Throws if 100 in a row from `makeId` can't be used. */
export function freshId(taken: { has(id: string): boolean }, makeId: MakeId): string {
  for (let i = 0; i < MAX_TRIES; i++) {
    const id = makeId();
    if (isCellId(id) && !taken.has(id)) return id;
  }
  throw new Error(`invariant broken: a source of cell ids gave ${MAX_TRIES} that can't be used`);
}

/** An id of 8 hexadecimal digits, as Jupyter's own tools make them, from at least 4 random bytes. */
export function cellIdFrom(bytes: Uint8Array): string {
  return [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The notebook with `nbformat_minor` 5 and an id in each cell; as it is if it is there already. */
export function upgradeNotebook(notebook: Notebook, makeId: MakeId): Notebook {
  if (notebook.nbformat_minor >= 5) return notebook;
  return { ...notebook, nbformat_minor: 5, cells: identified(notebook.cells, makeId).map(({ id, cell }) => ({ ...cell, id })) };
}

/** Each cell with an id of its own: the one that it has, or a new one where it has none, a misshapen one or another cell's. */
export function identified<C extends Notebook["cells"][number]>(cells: readonly C[], makeId: MakeId): { id: string; cell: C }[] {
  const seen = new Set<string>();
  const wanted = new Set(cells.map(idOf));
  return cells.map((cell) => {
    const own = idOf(cell);
    const id =
      own !== null && isCellId(own) && !seen.has(own) ? own : freshId({ has: (it) => seen.has(it) || wanted.has(it) }, makeId);
    seen.add(id);
    return { id, cell };
  });
}
