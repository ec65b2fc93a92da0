/**
 * `input_id`: the caller's own name for one input, so that a call that is repeated (its answer was lost, or late) types nothing twice.
 *   I1  The host knows it: it names the writer of the frame (protocol.md §5), so it holds over any restart of this server or the host, for
 *       as long as the host remembers the writer.
 *   I2  The name says nothing of the text, which may be one that no record is to have; so a name that is used for another text is told by
 *       the record of the first.
 */
import { createHash } from "node:crypto";
import { HoldError, type HostClient, type InputOutcome, readJournal } from "@holdfast/sdk";

/** I1 */
export function writerOf(inputId: string): string {
  return `mcp-${createHash("sha256").update(`holdfast input ${inputId}`).digest("hex").slice(0, 40)}`;
}

/** What became of the input of that name; null: there was none, as far as the host knows. */
export async function earlier(
  client: HostClient,
  session: string,
  bytes: Uint8Array,
  options: { readonly writer: string; readonly paste: boolean },
): Promise<InputOutcome | null> {
  try {
    const outcome = await client.send(session, bytes, { ...options, again: true });
    await demandSame(client, session, outcome, bytes);
    return outcome;
  } catch (fault) {
    if ((fault as { code?: unknown }).code === "writer_unknown") return null;
    throw fault;
  }
}

/** I2: that `outcome`, of an earlier call, is of these bytes. */
async function demandSame(client: HostClient, session: string, outcome: InputOutcome, bytes: Uint8Array): Promise<void> {
  let isSame = outcome.bytes === bytes.length;
  for await (const entry of readJournal(client, session, { after: outcome.seq - 1, to: outcome.seq, noOutput: true })) {
    // Erased where it was typed unseen; of a long input this is the end.
    const data = entry.type === "event" && entry.seq === outcome.seq ? Buffer.from(entry.event.data) : Buffer.alloc(0);
    isSame &&= Buffer.from(bytes)
      .subarray(bytes.length - data.length)
      .equals(data);
  }
  if (!isSame)
    throw new HoldError("bad_request", "that input_id is an earlier input's, with another text; this one was not typed", {
      session,
      input_seq: String(outcome.seq),
    });
}
