/**
 * From dialling a host to its welcome. Who opened the link owns what comes after that.
 *
 *   N1  The host proves itself before anything is signed for it.
 *   N2  A client without a credential asks whatever carries it to prove for both: it sends an empty key id, and is answered by a
 *       bridge (sdk/node/bridge.ts), never by a host. That who carries it is to be trusted is its carrier's to know, as ssh does.
 */
import type { Acceptor, Link, LinkHandlers } from "@holdfast/carrier/link";
import {
  type Challenge,
  type ClientBody,
  CONTROL_CHANNEL,
  decodeHost,
  encodeClient,
  type Error as WireError,
  HoldError,
  type HostFrame,
  isCode,
  limits,
  transcript,
  type Welcome,
} from "@holdfast/protocol";
import type { Credential, HostVerifier } from "./credential.ts";
import { signerOf } from "./grant.ts";

export type Dial = (accept: Acceptor) => Promise<Link>;

export interface HandshakeOptions {
  readonly dial: Dial;
  /** Null: N2. */
  readonly credential: Credential | null;
  readonly verifier: HostVerifier;
  /** In place of a credential: what its key has signed for whoever bears it. */
  readonly grant?: string | undefined;
  /** Takes up an attachment whose link was lost, or that is to leave it. */
  readonly resume?: ResumeToken | null;
  /** Takes up an invitation with `credential`'s key, of which no host knows yet. */
  readonly redeem?: Redemption;
  readonly via: string;
  readonly client: string;
  /** Of a bridge: how the client that it proves for came to it. */
  readonly carrier?: string;
  /**
   * Asked while the link says nothing. Resolves with true where it is the link that stands still: the way leads there again, and a new one may be had
   * by it; with false where nothing is known, or what carries it stands.
   */
  readonly doubts?: () => Promise<boolean>;
  /** Gives up the handshake: a host that is stopped takes links and answers none. */
  readonly signal?: AbortSignal;
}

/** A continuity token as the host gave it: good once, and by the same device key only. */
export interface ResumeToken {
  readonly handle: Uint8Array;
  readonly n: number;
  readonly secret: Uint8Array;
}

export interface Redemption {
  /** 32 bytes; empty for a login. */
  readonly token: Uint8Array;
  /** Of the host's OIDC issuer, in place of the token. */
  readonly idToken?: string;
  /** Asks where to log in: is refused with `login_required`, whose details say it. */
  readonly askLogin?: boolean;
  /** Raw Ed25519 public key of the credential, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Wished for; empty: the host chooses. */
  readonly name: string;
  /** No program of this user signs with the key unasked (OperatorAddCall). Default false. */
  readonly protected?: boolean;
}

export interface Met {
  readonly link: Link;
  readonly challenge: Challenge;
  readonly welcome: Welcome;
}

export function errorFrom(error: WireError | undefined): HoldError {
  const code = error && isCode(error.code) ? error.code : "internal";
  return new HoldError(code, error?.message || "the host gave no reason", error?.details ?? {});
}

/** Resolves when the host has bidden welcome; from then on `owner` hears the link. Rejects with the host's refusal, or with why there is none. */
export function shakeHands(options: HandshakeOptions, owner: (met: Met) => LinkHandlers): Promise<Met> {
  const { credential, grant, verifier, via, client } = options;
  return new Promise((resolve, reject) => {
    const nonce = verifier.randomBytes(32);
    const keyId = credential?.keyId ?? (grant === undefined ? new Uint8Array(0) : signerOf(grant));
    let owned: LinkHandlers | null = null;
    let challenge: Challenge | null = null;
    let isProven = false;
    const give = (link: Link, error: unknown): void => {
      reject(error);
      link.destroy();
    };

    const prove = async (link: Link, c: Challenge): Promise<void> => {
      challenge = c;
      if (credential || grant !== undefined) {
        const words = { clientNonce: nonce, keyId, via, protocol: c.protocol, hostKey: c.hostKey, hostNonce: c.nonce };
        if (!(await verifier.verify(c.hostKey, transcript("host", words), c.signature)))
          throw new HoldError(
            "host_key_changed",
            `who answers is not the host that this home knows (it says ${c.hostId}); nothing was signed for it`,
          );
        isProven = true;
        if (!credential) return link.send(CONTROL_CHANNEL, encodeClient({ case: "bear", value: { grant: grant! } }));
        const { resume, redeem } = options;
        const signature = await credential.sign(
          resume ? transcript("resume", { ...words, ...resume }) : transcript("operator", words),
        );
        const proof: ClientBody = resume
          ? { case: "resume", value: { ...resume, signature } }
          : redeem
            ? { case: "redeem", value: { ...redeem, signature } }
            : { case: "proof", value: { signature } };
        link.send(CONTROL_CHANNEL, encodeClient(proof));
      }
      isProven = true;
    };

    const hear = async (link: Link, body: HostFrame["body"]): Promise<void> => {
      if (body.case === "challenge" && !challenge) return prove(link, body.value);
      if (body.case === "welcome" && challenge && isProven) {
        const met = { link, challenge, welcome: body.value };
        owned = owner(met);
        return resolve(met);
      }
      throw new HoldError(
        "host_key_changed",
        "who answers does not prove that it is the host of this home; nothing was signed for it",
      );
    };

    let dialled: Link | null = null;
    options.signal?.addEventListener("abort", () => {
      if (owned) return;
      reject(
        dialled
          ? new HoldError("timed_out", "the host took the link and does not answer; hold host logs on its machine tells more")
          : new HoldError("unreachable", "nobody took the link in time"),
      );
      dialled?.destroy();
    });
    options
      .dial((link) => ({
        frame: (channel, message) => {
          if (owned) return owned.frame(channel, message);
          const body = decodeHost(message);
          // At once: the link's end may be right behind it, and would be told in its place.
          if (body.case === "refused") give(link, errorFrom(body.value.error));
          else hear(link, body).catch((fault: unknown) => give(link, fault));
        },
        drained: () => owned?.drained?.(),
        closed: (reason) => {
          if (owned) owned.closed(reason);
          else reject(new HoldError("unreachable", `the link to the host ended (${reason})`));
        },
      }))
      .then((link) => {
        dialled = link;
        if (options.signal?.aborted) return link.destroy();
        link.send(
          CONTROL_CHANNEL,
          encodeClient({
            case: "hello",
            value: {
              ...{ minProtocol: limits.protocolMin, maxProtocol: limits.protocolMax, client, via, nonce, keyId },
              carrier: options.carrier ?? "",
              // N2: who proves for both shows this too.
              ...(options.resume && !credential && grant === undefined ? { resume: options.resume } : {}),
            },
          }),
        );
      }, reject);
  });
}
