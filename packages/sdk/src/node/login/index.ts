/**
 * Logging in with the host's OIDC issuer, on Node: a new key of this machine becomes one of the operator's to whom the login is linked.
 * Authorization code with PKCE on a loopback redirect (RFC 8252), by `openid-client`. Apart from sdk/node, which no command should load it with.
 *
 *   L1  Where to log in the host says, after it has proven that it is the one that is known here: nobody else is believed.
 *   L2  The token is good for this key and this host alone: its nonce is a hash of both. The key's possession is proven by the handshake.
 *   L3  Neither code nor token is kept, shown, or sent anywhere but to the issuer and the host.
 */
import { createHash } from "node:crypto";
import { connectUnix, files } from "@holdfast/carrier";
import { linkUrl } from "@holdfast/carrier/websocket";
import { HoldError, loginWords } from "@holdfast/protocol";
import type { Dial, Redemption } from "../../client/handshake.ts";
import { shakeHands } from "../../client/handshake.ts";
import type { HostVerifier } from "../../client/credential.ts";
import { credentialOf, discardKey, freeKeyNames, generateKey, homeVerifier } from "../keys.ts";
import { networkVerifier, rememberHost } from "../known-hosts.ts";
import { idTokenOf } from "./code-flow.ts";

export interface LogInRequest {
  readonly home: string;
  /** Of the host; undefined: this home's own. */
  readonly url?: string | undefined;
  /** What the key is called here. Default: as this machine's user. */
  readonly name?: string | undefined;
  /** Is given the address that the person is to open in a browser of this machine. */
  readonly show: (url: string) => void;
  /** Gives up. */
  readonly signal?: AbortSignal;
  /** Shown in audit. */
  readonly client?: string;
  /** Certificates of authorities to trust for TLS to the host in place of the system's, PEM. */
  readonly ca?: string;
}

export interface LoggedIn {
  readonly operator: string;
  readonly role: string;
  /** Name of the credential here, and the file of its key. */
  readonly as: string;
  readonly key: string;
}

const HANDSHAKE_MS = 10_000;

/** Throws {@link HoldError}: `unsupported` (nobody logs in there), `login_refused`, `host_key_unknown`, `unreachable`, `timed_out`, … */
export async function logIn(request: LogInRequest): Promise<LoggedIn> {
  const { home, show, signal } = request;
  const url = request.url === undefined ? null : linkUrl(request.url);
  const host = url ? networkHost(home, url, request.ca) : ownHost(home);
  const as = request.name ?? freeKeyNames(home)[0];
  if (as === undefined) throw new HoldError("name_taken", "every name for the new key is taken here; give one with --name NAME");
  const { publicKey, path } = generateKey(home, as);
  let hostKey = new Uint8Array(0);
  const redeem = async (what: Partial<Redemption>): Promise<{ operator: string; role: string }> => {
    const { link, welcome } = await shakeHands(
      {
        dial: host.dial,
        verifier: seen(host.verifier, (key) => {
          hostKey = Uint8Array.from(key);
        }),
        credential: credentialOf(home, as),
        redeem: { token: new Uint8Array(0), publicKey, name: "", ...what },
        via: "cli",
        client: request.client ?? "holdfast-sdk",
        signal: AbortSignal.timeout(HANDSHAKE_MS),
      },
      () => ({ frame: () => {}, closed: () => {} }),
    );
    link.close();
    return welcome;
  };
  try {
    const { issuer, clientId } = await whereToLogIn(redeem);
    const nonce = createHash("sha256").update(loginWords(publicKey, hostKey)).digest("base64url");
    const idToken = await idTokenOf({ issuer, clientId, nonce, show, ...(signal ? { signal } : {}) });
    const { operator, role } = await redeem({ idToken });
    if (url) rememberHost(home, url.host, hostKey, as);
    return { operator, role, as, key: path };
  } catch (fault) {
    discardKey(path);
    throw fault;
  }
}

interface Reached {
  readonly dial: Dial;
  readonly verifier: HostVerifier;
}

function ownHost(home: string): Reached {
  return { dial: (accept) => connectUnix(files.socket(home), accept), verifier: homeVerifier(home) };
}

function networkHost(home: string, url: URL, ca: string | undefined): Reached {
  const dial: Dial = async (accept) => {
    const { connectWebSocket } = await import("@holdfast/carrier/websocket/node");
    return connectWebSocket(url, accept, ca ? { ca } : {});
  };
  return { dial, verifier: networkVerifier(home, url) };
}

/** Tells which host was found to be the one that is meant. */
function seen({ verify, randomBytes }: HostVerifier, told: (key: Uint8Array) => void): HostVerifier {
  return {
    randomBytes,
    async verify(key, words, signature) {
      const isIt = await verify(key, words, signature);
      if (isIt) told(key);
      return isIt;
    },
  };
}

/** L1. */
async function whereToLogIn(
  redeem: (what: Partial<Redemption>) => Promise<unknown>,
): Promise<{ readonly issuer: string; readonly clientId: string }> {
  try {
    await redeem({ askLogin: true });
  } catch (fault) {
    if (!(fault instanceof HoldError) || fault.code !== "login_required") throw fault;
    const { issuer, clientId } = fault.details;
    if (issuer && clientId) return { issuer, clientId };
  }
  throw new HoldError("unsupported", "this host does not say where to log in; it may be older than this version");
}
