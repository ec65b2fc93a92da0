/** What is said while a call waits for its host: on stderr, and only of a loss that lasts. */
import type { LinkTold } from "@holdfast/sdk";
import { type Context, line } from "./context.ts";

/** A host that is started again is back sooner. */
const LASTS_MS = 2_000;

/** `what` goes on meanwhile. */
export function linkNotice(context: Pick<Context, "err">, what: string): LinkTold {
  let timer: NodeJS.Timeout | undefined;
  return (state) => {
    clearTimeout(timer);
    if (state === "offline")
      timer = setTimeout(
        () => line(context.err, `(the link to the host is lost; ${what} goes on, and is taken up again when the host is back)`),
        LASTS_MS,
      ).unref();
  };
}
