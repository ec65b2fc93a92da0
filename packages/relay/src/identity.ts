/**
 * Which relay this is, to who dials it: those whom a certificate's authority has told so by a name of the certificate, those who were given its key by
 * that, and on this machine, where nothing is proven, whoever came by the loopback. What a pass says of it must be one of these (pass.ts P2): the name
 * that a caller gives with its call is the caller's own, and proves nothing.
 */
import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { pinOf } from "@holdfast/carrier/grpc";
import { isLoopback } from "@holdfast/carrier/websocket";

/** `certificate`: none where plaintext is spoken. `names`: those that others end TLS for, or that its certificate does not have. */
export function meantBy(
  certificate: X509Certificate | null,
  ...names: readonly (string | undefined)[]
): (audience: string) => boolean {
  const pin = certificate && pinOf(certificate.publicKey.export({ format: "der", type: "spki" }));
  return (audience) => {
    const [, host = "", meant] = /^\[?([\w.:-]+?)\]?:\d+(?:#(.*))?$/.exec(audience) ?? [];
    if (meant !== undefined) return meant === pin;
    if (names.includes(host)) return true;
    if (!certificate) return isLoopback(host);
    return (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
  };
}
