import { expect, test } from "vitest";
import type { AttachHandlers, Attachment, HostClient } from "./api/index.ts";
import { readJournal } from "./journal.ts";

test("a reader that stops in the middle gives back the output that it had, so that detaching is not held up", async () => {
  let handed: Promise<void> | undefined;
  let isUsed = false;
  const client = {
    attach: async (_: unknown, handlers: AttachHandlers) => {
      for (const seq of [1, 2]) {
        const used = handlers.output?.({
          seq,
          masked: 0,
          stream: 0,
          offset: seq,
          end: seq + 1,
          bytes: Uint8Array.of(97),
          atUnixMs: 0,
        }) as Promise<void>;
        handed ??= used.then(() => {
          isUsed = true;
        });
      }
      return { session: { seq: 9n, kind: 1 }, detach: () => handed } as unknown as Attachment;
    },
  } as unknown as HostClient;
  for await (const entry of readJournal(client, "s")) {
    expect(entry).toMatchObject({ seq: 1 });
    break;
  }
  expect(isUsed).toBe(true);
});
