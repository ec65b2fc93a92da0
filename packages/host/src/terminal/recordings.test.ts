/** Real programs at 80×24, recorded with script(1): bash, less, vim and htop, cut at many bytes each. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { snapshotAt, stateAfter, stockStateAfter } from "./snapshot-check.ts";

const SIZE = [80, 24] as const;
const CUTS = process.env["HOLDFAST_SOAK"] === "1" ? 400 : 40;

test.each(["bash", "less", "vim", "htop"])(
  "a recording of %s, cut anywhere, is the whole",
  (name) => {
    const bytes = new Uint8Array(readFileSync(new URL(`./fixtures/${name}.vt`, import.meta.url)));
    const whole = stateAfter([bytes], SIZE);
    const stock = stockStateAfter([bytes], SIZE);
    for (let i = 0; i < CUTS; i++) {
      // Spread evenly, then moved by a step that is no divisor of anything, so that cuts fall inside sequences.
      const cut = Math.min(bytes.length, Math.floor((bytes.length * i) / CUTS) + ((i * 7) % 13));
      const { vt } = snapshotAt(bytes.subarray(0, cut), SIZE);
      expect(stateAfter([vt, bytes.subarray(cut)], SIZE), `model, cut at ${cut}`).toEqual(whole);
      expect(stockStateAfter([vt, bytes.subarray(cut)], SIZE), `stock xterm, cut at ${cut}`).toEqual(stock);
    }
  },
  60_000,
);
