/** Taking up an invitation: {@link joinHost}. */
import { HoldError } from "@holdfast/protocol";
import type { Acceptor, Link } from "@holdfast/carrier/link";
import { shakeHands } from "../client/handshake.ts";
import { discardKey, generateKey, generateSealedKey, type HeldCredential, keyVerifier, openCredential } from "./keys.ts";

export interface JoinOptions {
  /** Where the new key is kept. */
  readonly home: string;
  readonly dial: DialAs;
  /** Raw public key of the host that is meant, from the invitation. */
  readonly hostKey: Uint8Array;
  /** 32 bytes, from the invitation. */
  readonly token: Uint8Array;
  /** What the key is called here, and the operator there, unless the invitation is for one that has a name. */
  readonly name: string;
  /** Keeps the new key, which the host then takes for protected if whoever invited may say so. */
  readonly passphrase?: string;
  /** Shown in audit. */
  readonly client?: string;
  readonly via?: "cli" | "sdk";
  readonly timeoutMs?: number;
}

/** A dial that may show the new key to the carrier itself. */
export type DialAs = (accept: Acceptor, credential: HeldCredential) => Promise<Link>;

/** The host was asked to take a key, and nothing was heard of it: the key was kept, under `key` in the details. */
export function isUnanswered(fault: unknown): boolean {
  return fault instanceof HoldError && fault.details["key"] !== undefined;
}

/**
 * Makes a key and has the host take it for the invitation. Throws {@link HoldError}: `invitation_unknown`, `name_taken`, `host_key_changed`,
 * `unreachable`; then the key is gone again, unless the host was asked and did not answer: it may know it, and `details.key` is its file.
 */
export async function joinHost(
  options: JoinOptions,
): Promise<{ readonly operator: string; readonly role: string; readonly key: string }> {
  const { home, dial, hostKey, token, name, passphrase, via = "sdk", client = "holdfast-sdk", timeoutMs = 10_000 } = options;
  const isProtected = passphrase !== undefined;
  const { publicKey, path } = isProtected ? await generateSealedKey(home, name, passphrase) : generateKey(home, name);
  const held = await openCredential(home, name, isProtected ? async () => passphrase : undefined);
  let isAsked = false;
  try {
    const { link, welcome } = await shakeHands(
      {
        dial: (accept) => dial(accept, held),
        credential: {
          keyId: held.keyId,
          sign(bytes) {
            isAsked = true;
            return held.sign(bytes);
          },
        },
        verifier: keyVerifier(hostKey),
        redeem: { token, publicKey, name, protected: isProtected },
        via,
        client,
        signal: AbortSignal.timeout(timeoutMs),
      },
      () => ({ frame: () => {}, closed: () => {} }),
    );
    link.close();
    return { operator: welcome.operator, role: welcome.role, key: path };
  } catch (fault) {
    if (isAsked && fault instanceof HoldError && (fault.code === "unreachable" || fault.code === "timed_out"))
      throw new HoldError(fault.code, fault.message, { ...fault.details, key: path }, { cause: fault });
    discardKey(path);
    throw fault;
  }
}
