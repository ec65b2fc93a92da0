/**
 * What an attachment leaves for another life of its client, as text: its place, its writer, and what it typed without an answer.
 *
 *   R1  The token in it is of no use without the device key, which is not in it (protocol.md §3, Continuity).
 *   R2  What was kept for another session or host, or can't be read, is nothing: no secret is shown to who did not give it.
 *   R3  Whose place another client has, or whose token was copied, is somebody new: with the same writer the two would take each other's numbers.
 *   R4  Of more than {@link KEPT_BYTES} of input, and where none is to be kept, there are the numbers alone: nothing is doubled, and what the host did not get is gone.
 * Elsewhere: what becomes of that input (core/attachment O5), and what the token is (core/continuity).
 */
import type { Left } from "@holdfast/core";
import { type Code, HoldError } from "@holdfast/protocol";
import { base64, bytesFrom } from "../base64.ts";
import type { Connection } from "./connection.ts";
import type { ResumeToken } from "./handshake.ts";
import type { Redial } from "./redial.ts";

/** One input as it goes on the wire, without its number. */
export interface TypedFrame {
  readonly data: Uint8Array;
  readonly unit: string;
  readonly unitEnd: boolean;
  readonly interrupt: boolean;
  readonly take: boolean;
  readonly durable: boolean;
  readonly eof: boolean;
}

export interface KeptPlace {
  readonly host: string;
  /** Its id. */
  readonly session: string;
  readonly attachment: string;
  readonly writer: string;
  /** Null: none was given yet, or none is. */
  readonly token: ResumeToken | null;
  readonly left: Left<TypedFrame>;
}

/** The place is gone, and the login is not. */
export const TOKEN_REFUSED: ReadonlySet<Code> = new Set<Code>(["continuity_over", "continuity_unknown", "continuity_copied"]);
/** R3. */
const ANOTHERS: ReadonlySet<Code> = new Set<Code>(["continuity_busy", "continuity_copied"]);
/** R4: more than is sent of one paste before the host answers, and small beside what a page may keep (5 MiB). */
const KEPT_BYTES = 256 * 1024;
const VERSION = 1;

type OnText = Omit<TypedFrame, "data"> & { readonly n: number; readonly data: string };

/** `keepsInput`: R4. */
export function keptText({ token, left, ...place }: KeptPlace, keepsInput: boolean): string {
  const frames = [...left.unanswered, ...left.held];
  const isKept = keepsInput && frames.reduce((sum, { bytes }) => sum + bytes, 0) <= KEPT_BYTES;
  const onText = ({ frame, n = 0 }: { readonly frame: TypedFrame; readonly n?: number }): OnText => {
    const { data, unit, unitEnd, interrupt, take, durable, eof } = frame;
    return { n, data: base64(data), unit, unitEnd, interrupt, take, durable, eof };
  };
  return JSON.stringify({
    version: VERSION,
    ...place,
    token: token && { handle: base64(token.handle), n: token.n, secret: base64(token.secret) },
    nextN: left.nextN,
    sent: isKept ? left.unanswered.map(onText) : [],
    held: isKept ? left.held.map(onText) : [],
  });
}

/** R2. */
export function keptFrom(text: string, of: Pick<KeptPlace, "host" | "session">): KeptPlace | null {
  try {
    const { version, host, session, attachment, writer, token, nextN, sent, held } = JSON.parse(text);
    if (version !== VERSION || host !== of.host || session !== of.session || !Number.isSafeInteger(nextN)) return null;
    const fromText = ({ n, data, ...frame }: OnText) => {
      const bytes = bytesFrom(data);
      return { n, bytes: bytes.length, frame: { ...frame, data: bytes } };
    };
    return {
      ...{ host, session, attachment: String(attachment), writer: String(writer) },
      token: token && { handle: bytesFrom(token.handle), n: Number(token.n), secret: bytesFrom(token.secret) },
      left: { nextN, unanswered: sent.map(fromText), held: held.map(fromText) },
    };
  } catch {
    return null;
  }
}

/** The link by which a place is taken up; null: it is not kept, and whoever was on it attaches anew. Throws what other faults there are. */
export async function takeUp(
  redial: Pick<Redial, "connect">,
  place: KeptPlace,
): Promise<{ readonly link: Connection | null; readonly place: KeptPlace | null }> {
  if (!place.token) return { link: null, place };
  try {
    return { link: await redial.connect(place.token), place };
  } catch (fault) {
    if (!(fault instanceof HoldError) || !(TOKEN_REFUSED.has(fault.code) || ANOTHERS.has(fault.code))) throw fault;
    return { link: null, place: ANOTHERS.has(fault.code) ? null : { ...place, token: null } };
  }
}
