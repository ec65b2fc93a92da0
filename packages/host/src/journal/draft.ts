/** What a draft may hold. A draft outside these bounds is a defect of the caller, not a fault of the disk. */
import { MAX_ACTOR, MAX_META, MAX_PAYLOAD, MAX_SESSION, MAX_VIA } from "./format.ts";
import type { EntryDraft } from "./journal.ts";

export function checkDraft(d: EntryDraft): void {
  const bounded = (text: string, max: number, what: string, min = 0): void => {
    if ((text.length * 3 > max && Buffer.byteLength(text) > max) || text.length < min)
      throw new RangeError(`journal: ${what} is ${min} to ${max} bytes of UTF-8`);
  };
  bounded(d.session, MAX_SESSION, "session", 1);
  bounded(d.actor, MAX_ACTOR, "actor", 1);
  bounded(d.via, MAX_VIA, "via");
  if (d.meta.length > MAX_META) throw new RangeError(`journal: meta is at most ${MAX_META} bytes, not ${d.meta.length}`);
  if ((d.payload?.length ?? 0) > MAX_PAYLOAD)
    throw new RangeError(`journal: payload is at most ${MAX_PAYLOAD} bytes, not ${d.payload!.length}`);
  if (!(d.kind >= 0 && d.kind <= 255) || !((d.stream ?? 0) >= 0 && (d.stream ?? 0) <= 0xffff))
    throw new RangeError("journal: kind is 0 to 255, stream 0 to 65535");
}
