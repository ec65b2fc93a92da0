/**
 * Turns recordings of terminals into numbers: how much of the program's own picture a system keeps, and when the screen that one
 * left is there again. The recordings were made while timing; nothing here is timed.
 *
 *   J1  Two screens are equal when every cell is: text, width, both colours and every attribute. An erased cell is a space.
 *   J2  "Again" is the first piece after which the screen is equal, and stays so to the end of the recording.
 */
import { createRequire } from "node:module";

/** The terminal model, from the package that has it. */
const { Terminal } = createRequire(new URL("../packages/host/package.json", import.meta.url))("@xterm/headless");
const [cols, rows] = [120, 40];

/** @typedef {{ began: number, pieces: [at: number, base64: string][] }} Recording */

/** A terminal's cells, one string each. @returns {string[]} */
function cellsOf(/** @type {any} */ terminal) {
  const out = [];
  const { active } = terminal.buffer;
  let cell = active.getNullCell();
  for (let y = 0; y < rows; y++) {
    const line = active.getLine(active.baseY + y);
    for (let x = 0; x < cols; x++) {
      cell = line.getCell(x, cell);
      const marks = [
        cell.isBold(),
        cell.isDim(),
        cell.isItalic(),
        cell.isUnderline(),
        cell.isBlink(),
        cell.isInverse(),
        cell.isInvisible(),
        cell.isStrikethrough(),
        cell.isOverline(),
      ];
      out.push(
        `${cell.getChars() || (cell.getWidth() ? " " : "")}|${cell.getWidth()}|${cell.getFgColorMode()}:${cell.getFgColor()}|${cell.getBgColorMode()}:${cell.getBgColor()}|${marks.map((m) => (m ? 1 : 0)).join("")}`,
      );
    }
  }
  return out;
}

/** Feeds a recording; `each` is told the time and the cells after every piece, if it is given. */
async function play(
  /** @type {Recording} */ recording,
  /** @type {((at: number, cells: string[]) => void) | null} */ each = null,
) {
  const terminal = new Terminal({ cols, rows, scrollback: 0, allowProposedApi: true });
  for (const [at, piece] of recording.pieces) {
    await new Promise((done) => terminal.write(Buffer.from(piece, "base64"), () => done(null)));
    each?.(at, cellsOf(terminal));
  }
  const cells = cellsOf(terminal);
  terminal.dispose();
  return cells;
}

/** Share of cells that are equal, in percent. */
export function alike(/** @type {string[]} */ a, /** @type {string[]} */ b) {
  return (100 * a.filter((cell, i) => cell === b[i]).length) / a.length;
}

/** The first cell that is not the same, for whoever looks why. */
function firstDifference(/** @type {string[]} */ a, /** @type {string[]} */ b) {
  const at = a.findIndex((cell, i) => cell !== b[i]);
  return `row ${Math.floor(at / cols)}, column ${at % cols}: ${a[at]} became ${b[at]}`;
}

/** Judges all recordings of a run, and puts the numbers where the recordings were. */
export async function judge(/** @type {any[]} */ cells) {
  /** @type {Map<string, string[]>} */
  const truth = new Map();
  for (const { system, found } of cells) {
    if (system !== "raw" || !found) continue;
    for (const kind of ["shell", "full"]) if (found[`${kind}_before@`]) truth.set(kind, await play(found[`${kind}_before@`]));
  }
  for (const { found } of cells) {
    if (!found) continue;
    for (const kind of ["shell", "full"]) {
      const recording = found[`${kind}_before@`];
      if (!recording) continue;
      const before = await play(recording);
      const own = truth.get(kind);
      if (own) found[`${kind}_kept_pct`] = alike(before, own);
      if (own && found[`${kind}_kept_pct`] < 100) found[`${kind}_lost`] = firstDifference(own, before);
      for (const name of ["cold", "first", "warm", "slept"].map((how) => `${kind}_${how}`)) {
        if (!found[`${name}@`]) continue;
        let again = /** @type {number | null} */ (null);
        const last = await play(found[`${name}@`], (at, now) => {
          if (alike(now, before) < 100) again = null;
          else again ??= at;
        });
        found[`${name}_pct`] = alike(last, before);
        if (found[`${name}_pct`] < 100) found[`${name}_differs`] = firstDifference(before, last);
        if (again !== null) found[`${name}_ms`] = (again - found[`${name}@`].began) * 1000;
      }
    }
    for (const key of Object.keys(found)) if (key.endsWith("@")) delete found[key];
  }
}
