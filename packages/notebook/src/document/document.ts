/**
 * A notebook that several edit at once. The host decides; a client applies what was decided, in the same order.
 *
 *   D1  `decide` gives events or a refusal, never both: a command's edits all happen or none does.
 *   D2  An edit of a cell names the version that its author saw (`base`). If somebody else has changed the same part since, it
 *       is refused with what stands there now, and nothing is changed: both texts are in the author's hands.
 *   D3  Parts are source, type and metadata; edits of different parts don't collide. A deletion collides with a change of any.
 *   D4  Output is no edit: it collides with nothing.
 *   D5  Ids are unique, and a cell keeps its own wherever it moves.
 *   D6  An event names what it took away, so that it can be undone and the journal has it.
 * Pure. Who may edit, and how an edit travels, is the host's. What a kernel says: output/.
 */
import {
  type Cell,
  type CellType,
  type Frame,
  identified,
  isCellId,
  type MakeId,
  type Notebook,
  without,
} from "../format/index.ts";
import { type JsonObject, sameJson } from "../json/index.ts";
import { changed, type OutputChange } from "../output/index.ts";

export type Part = "source" | "type" | "metadata";

/** The last edit of a part: the document's version that it made, and who made it. 0 and null as it was opened. */
export interface Touch {
  readonly version: number;
  readonly editor: string | null;
}

export interface HeldCell {
  /** The cell's own id in a notebook that has ids; otherwise made when it was opened, and not written. */
  readonly id: string;
  readonly cell: Cell;
  readonly touched: Readonly<Record<Part, Touch>>;
}

export interface Document {
  /** Events so far. */
  readonly version: number;
  readonly frame: Frame;
  readonly frameTouched: Touch;
  readonly cells: readonly HeldCell[];
}

const UNTOUCHED: Touch = { version: 0, editor: null };
const untouched = { source: UNTOUCHED, type: UNTOUCHED, metadata: UNTOUCHED };

/** Cells without an id, or with another cell's, get one from `makeId`; it is written where the notebook has ids (4.5). */
export function openDocument(notebook: Notebook, makeId: MakeId): Document {
  const { cells, ...frame } = notebook;
  return {
    version: 0,
    frame: frame as Frame,
    frameTouched: UNTOUCHED,
    cells: identified(cells, makeId).map(({ id, cell }) => ({
      id,
      cell: withId(notebook.nbformat_minor, cell, id),
      touched: untouched,
    })),
  };
}

/** To be written, or shown. */
export function notebookOf(document: Document): Notebook {
  return { ...document.frame, cells: document.cells.map(({ cell }) => cell) };
}

function withId(minor: number, cell: Cell, id: string): Cell {
  return minor < 5 || cell["id"] === id ? cell : ({ ...cell, id } as Cell);
}

/** A place: after the cell of this id, or before all with null. */
export type After = string | null;

export type Edit =
  | { readonly kind: "insert"; readonly id: string; readonly after: After; readonly cell: NewCell }
  | { readonly kind: "delete"; readonly id: string; readonly base: number }
  /** Needs no base: the later of two moves stands, and no text is lost. */
  | { readonly kind: "move"; readonly id: string; readonly after: After }
  | { readonly kind: "source"; readonly id: string; readonly base: number; readonly source: string }
  /** Code that becomes text loses its outputs; text that becomes code its attachments. The event has them. */
  | { readonly kind: "type"; readonly id: string; readonly base: number; readonly type: CellType }
  /** All of it; `execution` and `holdfast`, which runs write, stay as they are. */
  | { readonly kind: "metadata"; readonly id: string; readonly base: number; readonly metadata: JsonObject }
  | { readonly kind: "frame"; readonly base: number; readonly metadata: JsonObject }
  | { readonly kind: "clear"; readonly id: string };

export interface NewCell {
  readonly type: CellType;
  readonly source: string;
  /** Default none. */
  readonly metadata?: JsonObject;
}

export interface EditCommand {
  /** Whose hands: an attachment, so that two windows of one person collide too. Own earlier edits never collide. */
  readonly editor: string;
  /** In order, each upon the one before it. */
  readonly edits: readonly Edit[];
}

export type EditRefusal = { /** Which edit, from 0. */ readonly edit: number } & (
  | {
      readonly code: "conflict";
      readonly id: string;
      readonly part: Part;
      readonly base: number;
      /** By whom and when it was changed since. */
      readonly touched: Touch;
      /** What stands there now. */
      readonly theirs: Cell;
    }
  | { readonly code: "frame_conflict"; readonly base: number; readonly touched: Touch; readonly theirs: JsonObject }
  | { readonly code: "no_such_cell"; readonly id: string }
  | { readonly code: "id_taken" | "id_invalid"; readonly id: string }
);

export type DocumentEvent = { readonly version: number } & (
  | ({ readonly editor: string } & (
      | { readonly kind: "inserted"; readonly id: string; readonly index: number; readonly cell: Cell }
      | { readonly kind: "deleted"; readonly id: string; readonly index: number; readonly was: HeldCell }
      /** `index`: where it is once it is moved. */
      | { readonly kind: "moved"; readonly id: string; readonly index: number; readonly from: number }
      | { readonly kind: "source"; readonly id: string; readonly source: string; readonly was: string }
      | { readonly kind: "type"; readonly id: string; readonly cell: Cell; readonly was: Cell }
      | { readonly kind: "metadata"; readonly id: string; readonly metadata: JsonObject; readonly was: JsonObject }
      | { readonly kind: "frame"; readonly metadata: JsonObject; readonly was: JsonObject }
      | { readonly kind: "cleared"; readonly id: string; readonly was: Cell }
    ))
  | { readonly kind: "output"; readonly id: string; readonly changes: readonly OutputChange[] }
);

export type Decision =
  | { readonly ok: true; readonly events: readonly DocumentEvent[]; readonly document: Document }
  | { readonly ok: false; readonly refusal: EditRefusal };

/** D1. `document` of an accepted command is the one that its events lead to. */
export function decide(document: Document, command: EditCommand): Decision {
  let next = document;
  const events: DocumentEvent[] = [];
  for (const [index, edit] of command.edits.entries()) {
    const result = decided(next, edit, command.editor);
    if (result === null) continue;
    if ("code" in result) return { ok: false, refusal: { ...result, edit: index } as EditRefusal };
    const event = { ...result, version: next.version + 1, editor: command.editor } as DocumentEvent;
    events.push(event);
    next = apply(next, event);
  }
  return { ok: true, events, document: next };
}

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never;
type Deed = Without<Exclude<DocumentEvent, { kind: "output" }>, "version" | "editor">;
type Refused = Without<EditRefusal, "edit">;

/** Null where there is nothing to change. */
function decided(document: Document, edit: Edit, editor: string): Deed | Refused | null {
  if (edit.kind === "frame") return frameDecided(document, edit, editor);
  if (edit.kind === "insert") return insertDecided(document, edit);
  const index = document.cells.findIndex(({ id }) => id === edit.id);
  const held = document.cells[index];
  if (held === undefined) return { code: "no_such_cell", id: edit.id };
  if (edit.kind === "move") return moveDecided(document, edit.id, index, edit.after);
  if (edit.kind === "clear") return held.cell.cell_type === "code" ? { kind: "cleared", id: edit.id, was: held.cell } : null;
  const part = collision(held, edit.kind === "delete" ? ["source", "type", "metadata"] : [edit.kind], edit.base, editor);
  if (part !== null)
    return { code: "conflict", id: edit.id, part, base: edit.base, touched: held.touched[part], theirs: held.cell };
  switch (edit.kind) {
    case "delete":
      return { kind: "deleted", id: edit.id, index, was: held };
    case "source":
      return edit.source === held.cell.source
        ? null
        : { kind: "source", id: edit.id, source: edit.source, was: held.cell.source };
    case "type":
      return edit.type === held.cell.cell_type
        ? null
        : { kind: "type", id: edit.id, cell: retyped(held.cell, edit.type), was: held.cell };
    case "metadata":
      return metadataDecided(held, edit.metadata);
  }
}

/** D2, D3. */
function collision(held: HeldCell, parts: readonly Part[], base: number, editor: string): Part | null {
  return parts.find((part) => collides(held.touched[part], base, editor)) ?? null;
}

function collides(touch: Touch, base: number, editor: string): boolean {
  return touch.version > base && touch.editor !== editor;
}

function frameDecided(document: Document, edit: Edit & { kind: "frame" }, editor: string): Deed | Refused | null {
  const { metadata } = document.frame;
  if (collides(document.frameTouched, edit.base, editor))
    return { code: "frame_conflict", base: edit.base, touched: document.frameTouched, theirs: metadata };
  return sameJson(metadata, edit.metadata) ? null : { kind: "frame", metadata: edit.metadata, was: metadata };
}

function insertDecided(document: Document, { id, after, cell }: Edit & { kind: "insert" }): Deed | Refused {
  if (!isCellId(id)) return { code: "id_invalid", id };
  if (document.cells.some((held) => held.id === id)) return { code: "id_taken", id };
  const index = placeAfter(document.cells, after);
  if (index === null) return { code: "no_such_cell", id: after as string };
  return { kind: "inserted", id, index, cell: withId(document.frame.nbformat_minor, newCell(cell), id) };
}

function moveDecided(document: Document, id: string, from: number, after: After): Deed | Refused | null {
  if (after === id) return null;
  const index = placeAfter(document.cells.toSpliced(from, 1), after);
  if (index === null) return { code: "no_such_cell", id: after as string };
  return index === from ? null : { kind: "moved", id, index, from };
}

function placeAfter(cells: readonly HeldCell[], after: After): number | null {
  if (after === null) return 0;
  const index = cells.findIndex(({ id }) => id === after);
  return index < 0 ? null : index + 1;
}

/** What a run wrote is not an editor's to change. */
function metadataDecided(held: HeldCell, wanted: JsonObject): Deed | null {
  const was = held.cell.metadata;
  const ofRuns = Object.fromEntries(Object.entries(was).filter(([key]) => key === "execution" || key === "holdfast"));
  const metadata = { ...without(wanted, "execution", "holdfast"), ...ofRuns };
  return sameJson(metadata, was) ? null : { kind: "metadata", id: held.id, metadata, was };
}

function newCell({ type, source, metadata = {} }: NewCell): Cell {
  if (type !== "code") return { cell_type: type, metadata, source };
  return { cell_type: type, metadata, source, outputs: [], execution_count: null };
}

function retyped(cell: Cell, type: CellType): Cell {
  if (type === "code") return { ...without(cell, "attachments"), cell_type: type, outputs: [], execution_count: null } as Cell;
  if (cell.cell_type !== "code") return { ...cell, cell_type: type };
  const metadata = without(cell.metadata, "execution", "holdfast");
  return { ...without(cell, "outputs", "execution_count"), metadata, cell_type: type } as unknown as Cell;
}

/** What kernel's messages changed in the cell of this id, as the next event. Null if there is no such cell, or no code in it. */
export function outputEvent(document: Document, id: string, changes: readonly OutputChange[]): DocumentEvent | null {
  const held = document.cells.find((it) => it.id === id);
  return held?.cell.cell_type === "code" ? { kind: "output", version: document.version + 1, id, changes } : null;
}

/** The document after the next event. Throws on any other: who missed one must open the document anew. */
export function apply(document: Document, event: DocumentEvent): Document {
  if (event.version !== document.version + 1)
    throw new Error(`invariant broken: D1 event ${event.version} applied to version ${document.version} of a notebook`);
  const next = { ...document, version: event.version };
  switch (event.kind) {
    case "inserted": {
      const touch = touchOf(event);
      const touched = { source: touch, type: touch, metadata: touch };
      return { ...next, cells: next.cells.toSpliced(event.index, 0, { id: event.id, cell: event.cell, touched }) };
    }
    case "deleted":
      return { ...next, cells: next.cells.toSpliced(event.index, 1) };
    case "moved":
      return { ...next, cells: moved(next.cells, event.from, event.index) };
    case "frame":
      return { ...next, frame: { ...next.frame, metadata: event.metadata }, frameTouched: touchOf(event) };
    case "source":
      return withCell(next, event.id, (held) =>
        touchedCell(held, { ...held.cell, source: event.source }, "source", touchOf(event)),
      );
    case "type":
      return withCell(next, event.id, (held) => touchedCell(held, event.cell, "type", touchOf(event)));
    case "metadata":
      return withCell(next, event.id, (held) =>
        touchedCell(held, { ...held.cell, metadata: event.metadata }, "metadata", touchOf(event)),
      );
    case "cleared":
      return withCell(next, event.id, (held) => ({ ...held, cell: clearedCell(held.cell) }));
    case "output":
      return withCell(next, event.id, (held) =>
        held.cell.cell_type === "code" ? { ...held, cell: changed(held.cell, event.changes) } : held,
      );
  }
}

function touchOf(event: { readonly version: number; readonly editor: string }): Touch {
  return { version: event.version, editor: event.editor };
}

function touchedCell(held: HeldCell, cell: Cell, part: Part, touch: Touch): HeldCell {
  return { ...held, cell, touched: { ...held.touched, [part]: touch } };
}

function clearedCell(cell: Cell): Cell {
  return cell.cell_type === "code"
    ? { ...cell, outputs: [], execution_count: null, metadata: without(cell.metadata, "execution", "holdfast") }
    : cell;
}

function moved(cells: readonly HeldCell[], from: number, to: number): HeldCell[] {
  const held = cells[from];
  return held === undefined ? [...cells] : cells.toSpliced(from, 1).toSpliced(to, 0, held);
}

function withCell(document: Document, id: string, change: (held: HeldCell) => HeldCell): Document {
  const index = document.cells.findIndex((held) => held.id === id);
  const held = document.cells[index];
  return held === undefined ? document : { ...document, cells: document.cells.with(index, change(held)) };
}
