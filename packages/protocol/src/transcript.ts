/**
 * What is signed in the handshake: everything that either side said, so that neither can be fed another's words.
 * Pure bytes; the signatures are made at the edges (docs/protocol.md §3).
 */
export interface HandshakeWords {
  readonly clientNonce: Uint8Array;
  readonly keyId: Uint8Array;
  readonly via: string;
  readonly protocol: number;
  readonly hostKey: Uint8Array;
  readonly hostNonce: Uint8Array;
}

/** What a continuity token adds: that it is for this handshake and no other. */
export interface ResumeWords {
  readonly handle: Uint8Array;
  readonly n: number;
  readonly secret: Uint8Array;
}

/** `side` keeps a host's signature from being replayed as an operator's. */
export function transcript(side: "host" | "operator", w: HandshakeWords): Uint8Array;
export function transcript(side: "resume", w: HandshakeWords & ResumeWords): Uint8Array;
export function transcript(side: string, w: HandshakeWords & Partial<ResumeWords>): Uint8Array {
  const parts = [
    text(`holdfast handshake 1 ${side}`),
    w.clientNonce,
    w.keyId,
    text(w.via),
    text(String(w.protocol)),
    w.hostKey,
    w.hostNonce,
    ...(w.handle && w.secret ? [w.handle, text(String(w.n)), w.secret] : []),
  ];
  return joined(parts);
}

/**
 * What the nonce of a login is the SHA-256 of: its token makes this key an operator's, at this host, and no other anywhere. That the key is
 * held by who brings the token, the handshake proves.
 */
export function loginWords(publicKey: Uint8Array, hostKey: Uint8Array): Uint8Array {
  return joined([text("holdfast login 1"), publicKey, hostKey]);
}

/** Each part preceded by its length. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, p) => sum + 4 + p.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** ASCII only, so that no encoder is needed here. */
function text(s: string): Uint8Array {
  return Uint8Array.from(s, (c) => c.charCodeAt(0) & 0x7f);
}
