/**
 * Messages as ZeroMQ's multipart: `[identities…, "<IDS|MSG>", signature, header, parent, metadata, content, buffers…]`.
 *
 *   F1  The signature is the hex of an HMAC over the four texts as they travel, buffers and identities apart; it is looked at before
 *       anything is parsed. With an empty key it is empty, and then only an empty one is right.
 *   F2  What comes before the delimiter (a route, a topic) is nobody's business and may be anything.
 * The HMAC is an argument, as everything of a machine.
 */
import type { Message } from "./message.ts";

/** Lower-case hex of HMAC-SHA256 over the parts, one after another; the key is the caller's. Null: the connection has no key. */
export type Sign = ((parts: readonly Uint8Array[]) => string) | null;

export type Unframed =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly fault: "no_delimiter" | "too_few_frames" | "bad_signature" };

const encoder = new TextEncoder();
const DELIMITER = encoder.encode("<IDS|MSG>");

export function frames(message: Message, sign: Sign): Uint8Array[] {
  const texts = [message.header, message.parent, message.metadata, message.content];
  return [DELIMITER, encoder.encode(sign?.(texts) ?? ""), ...texts, ...message.buffers];
}

export function unframed(parts: readonly Uint8Array[], sign: Sign): Unframed {
  const at = parts.findIndex((part) => equal(part, DELIMITER));
  if (at < 0) return { ok: false, fault: "no_delimiter" };
  const [signature, header, parent, metadata, content, ...buffers] = parts.slice(at + 1);
  if (!signature || !header || !parent || !metadata || !content) return { ok: false, fault: "too_few_frames" };
  const wanted = encoder.encode(sign?.([header, parent, metadata, content]) ?? "");
  if (!equal(signature, wanted)) return { ok: false, fault: "bad_signature" };
  return { ok: true, message: { header, parent, metadata, content, buffers } };
}

/** Looks at every byte, wherever the first difference is. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}
