/** `npm run walls`: exit 1 and the breaches, one a line, if a wall is broken. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBreaches } from "./walls.mjs";

const breaches = await findBreaches(join(dirname(fileURLToPath(import.meta.url)), "..", ".."));
for (const breach of breaches) console.error(breach);
if (breaches.length > 0) {
  console.error(
    `[wall_broken] ${breaches.length} found: move the code to its room, or write a decision record (docs/adr/) that moves the wall`,
  );
  process.exitCode = 1;
} else {
  console.log("the walls stand");
}
