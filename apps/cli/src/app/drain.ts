/** Waiting until a stream has room again: however many wait, one listener. */
import type { Writable } from "node:stream";

/** A function whose promise resolves when the stream wants more; also when it is closed, since nobody will read then. */
export function drainOf(stream: Writable): () => Promise<void> {
  let waiting: Promise<void> | undefined;
  return () => {
    if (!stream.writableNeedDrain) return Promise.resolve();
    waiting ??= new Promise<void>((resolve) => {
      const room = (): void => {
        stream.off("drain", room).off("close", room);
        waiting = undefined;
        resolve();
      };
      stream.once("drain", room).once("close", room);
    });
    return waiting;
  };
}
