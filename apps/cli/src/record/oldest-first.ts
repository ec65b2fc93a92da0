/**
 * What comes in pages, the newest first, handed on from the oldest. However much it is, it waits in a file that this process alone has and
 * that is gone with it.
 */
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";

export async function* oldestFirst<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  const folder = await mkdtemp(join(tmpdir(), "hold-pages-"));
  const file = await open(join(folder, "pages"), "wx+", 0o600);
  try {
    await rm(folder, { recursive: true });
    const sizes: number[] = [];
    for await (const page of pages) {
      const bytes = serialize(page);
      await file.appendFile(bytes);
      sizes.push(bytes.length);
    }
    let end = sizes.reduce((sum, size) => sum + size, 0);
    for (const size of sizes.reverse()) {
      end -= size;
      const { buffer } = await file.read(Buffer.alloc(size), 0, size, end);
      yield* (deserialize(buffer) as readonly T[]).toReversed();
    }
  } finally {
    await file.close();
  }
}
