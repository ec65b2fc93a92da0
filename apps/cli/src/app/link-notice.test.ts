import { afterEach, expect, test, vi } from "vitest";
import type { Context } from "./context.ts";
import { linkNotice } from "./link-notice.ts";

afterEach(() => void vi.useRealTimers());

test("a loss of the link that lasts is said once on stderr, and one that is mended is not", () => {
  vi.useFakeTimers();
  let said = "";
  const err = { write: (text: string) => void (said += text) } as unknown as Context["err"];
  const told = linkNotice({ err }, "the command in work");
  told("offline");
  vi.advanceTimersByTime(1_000);
  told("attached");
  vi.advanceTimersByTime(60_000);
  expect(said).toBe("");
  told("offline");
  vi.advanceTimersByTime(60_000);
  expect(said).toBe("(the link to the host is lost; the command in work goes on, and is taken up again when the host is back)\n");
});
