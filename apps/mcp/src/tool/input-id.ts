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
export function earlier(
  client: HostClient,
  session: string,
  bytes: Uint8Array,
  options: { readonly writer: string; readonly paste: boolean },
): Promise<InputOutcome | null> {
  // Of a long input the record that is looked at is the end.
  const isOf = (data: Buffer): boolean =>
    Buffer.from(bytes)
      .subarray(bytes.length - data.length)
      .equals(data);
  return lookedUp(client, session, bytes, options, (outcome, data) => outcome.bytes === bytes.length && isOf(data));
}

/** The same of a command, which is recorded as it was typed into the shell's editor. */
export function earlierRun(client: HostClient, session: string, command: string, writer: string): Promise<InputOutcome | null> {
  const plain = (text: string): string => text.replace(/\r\n?/g, "\n").replace(/\n+$/, "").replaceAll("\x16", "");
  const isOf = (data: Buffer): boolean => data.length === 0 || data.toString().replaceAll("\x16", "").includes(plain(command));
  return lookedUp(client, session, Buffer.from(command), { writer, paste: false }, (_, data) => isOf(data));
}

async function lookedUp(
  client: HostClient,
  session: string,
  bytes: Uint8Array,
  options: { readonly writer: string; readonly paste: boolean },
  isSame: (outcome: InputOutcome, recorded: Buffer) => boolean,
): Promise<InputOutcome | null> {
  let outcome: InputOutcome;
  try {
    outcome = await client.send(session, bytes, { ...options, again: true });
  } catch (fault) {
    if ((fault as { code?: unknown }).code === "writer_unknown") return null;
    throw fault;
  }
  // Erased where it was typed unseen.
  let recorded = Buffer.alloc(0);
  for await (const entry of readJournal(client, session, { after: outcome.seq - 1, to: outcome.seq, noOutput: true }))
    if (entry.type === "event" && entry.seq === outcome.seq) recorded = Buffer.from(entry.event.data);
  if (isSame(outcome, recorded)) return outcome;
  throw new HoldError("bad_request", "that input_id is an earlier input's, with another text; this one was not typed", {
    session,
    input_seq: String(outcome.seq),
  });
}
