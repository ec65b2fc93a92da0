/**
 * TLS 1.3 inside a stream that somebody else carries: both ends show an Ed25519 key, and who carries it can neither read, forge, reorder, repeat nor
 * cut unnoticed (docs/relay.md).
 *
 *   T1  A key is trusted by itself: no name, date or signer of a certificate is looked at.
 *   T2  The operator's end says what it thinks of the host's key before anything is sent inside; the host's end tells which key it has met.
 *   T3  One version, one list of ciphers, no tickets, no early data: there is nothing to step down to.
 *   T4  A record that is not the next one as it was said ends the stream, and what is below it.
 */
import { constants, type KeyObject } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { HoldError } from "@holdfast/protocol";
import { containerFor } from "./certificate.ts";

const SPKI_BYTES = 12;
/** Also where the other end does not answer: nothing waits for ever inside a tunnel. */
const HANDSHAKE_MS = 15_000;

export interface Secured {
  readonly stream: Duplex;
  /** Raw Ed25519 public key of the other end, 32 bytes. */
  readonly peerKey: Uint8Array;
}

const contexts = new WeakMap<KeyObject, SecureContext>();

/** T3. One for all tunnels of a key: it is most of what an idle one would hold. */
function contextOf(key: KeyObject): SecureContext {
  let context = contexts.get(key);
  if (context === undefined) {
    context = createSecureContext({
      key: key.export({ format: "pem", type: "pkcs8" }),
      cert: containerFor(key),
      minVersion: "TLSv1.3",
      maxVersion: "TLSv1.3",
      ciphers: "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
      ecdhCurve: "X25519",
      sigalgs: "ed25519",
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    contexts.set(key, context);
  }
  return context;
}

/** The host's end. Any key may knock: what it may do is told by the handshake inside. */
export function secureAsHost(below: Duplex, key: KeyObject): Promise<Secured> {
  const socket = new TLSSocket(below, {
    secureContext: contextOf(key),
    isServer: true,
    requestCert: true,
    rejectUnauthorized: false,
  });
  // Only here, of a socket that no server has made.
  socket.once("_tlsError", (fault: Error) => socket.destroy(fault));
  return settled(socket, below, "secure", () => {});
}

/** The operator's end. `trusts` throws for a host that is not the one that is meant (T2). */
export function secureAsOperator(below: Duplex, key: KeyObject, trusts: (hostKey: Uint8Array) => void): Promise<Secured> {
  const socket = connect({ secureContext: contextOf(key), socket: below, rejectUnauthorized: false });
  return settled(socket, below, "secureConnect", trusts);
}

function settled(socket: TLSSocket, below: Duplex, event: string, trusts: (peerKey: Uint8Array) => void): Promise<Secured> {
  // T4. Node ends what is below a socket only where that is a socket too, and by a fault of TLS not even the socket itself (24.21).
  socket.once("close", () => below.destroy());
  socket.on("error", () => socket.destroy());
  return new Promise((resolve, reject) => {
    const fail = (fault: unknown): void => {
      clearTimeout(deadline);
      socket.destroy();
      reject(fault);
    };
    const deadline = setTimeout(() => fail(broken("the other end did not answer in time")), HANDSHAKE_MS);
    const failed = (fault: Error): void => fail(fault instanceof HoldError ? fault : broken(fault.message, fault));
    socket.once("error", failed);
    const ended = (): void => fail(broken("the tunnel ended before it was secured"));
    socket.once("close", ended);
    socket.once(event, () => {
      try {
        const peerKey = peerKeyOf(socket);
        trusts(peerKey);
        clearTimeout(deadline);
        socket.removeListener("error", failed);
        socket.removeListener("close", ended);
        resolve({ stream: socket, peerKey });
      } catch (fault) {
        fail(fault);
      }
    });
  });
}

function peerKeyOf(socket: TLSSocket): Uint8Array {
  const certificate = socket.getPeerX509Certificate();
  if (certificate?.publicKey.asymmetricKeyType !== "ed25519") throw broken("the other end shows no Ed25519 key");
  return certificate.publicKey.export({ format: "der", type: "spki" }).subarray(SPKI_BYTES);
}

function broken(why: string, cause?: Error): HoldError {
  return new HoldError("unreachable", `the tunnel could not be secured (${why}); nothing was sent in it`, {}, { cause });
}
