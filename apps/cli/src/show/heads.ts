/** Heads as lines to keep. */
import { formatHead, headFrom, type WireHead } from "@holdfast/sdk";

/** Those that are sound. */
export function headsOf(host: string, heads: readonly WireHead[]): string[] {
  return heads.flatMap((wire) => {
    const head = headFrom(wire);
    return head ? [formatHead(host, head)] : [];
  });
}
