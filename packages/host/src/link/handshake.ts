/**
 * How a link begins, at the host's end: Hello, the host's proof, and then who is there, by one of five ways: a key's proof, a continuity token, an
 * invitation or a login that a new key is enrolled by, a grant, or the word of the carrier that has proven the key itself. Ends in an {@link Opening},
 * or throws why not.
 *
 *   S1  Nothing is believed before its signature over this very handshake; an unknown key and a wrong signature have one answer.
 *   S2  The host proves itself first; an operator's signature is never given to an unknown host, nor is one host's of use to another.
 *   S3  What takes a while (a login, a grant) is answered once; whatever is said meanwhile ends the link.
 *   S4  Where the carrier was shown a key too, it is the same one: nobody's handshake is passed on inside another's channel.
 *   S5  What is worth something to whoever hears it, an invitation, a login, a grant, is not taken where a relay could hear it. One sort of invitation
 *       is: what it makes is worth no more than such a link (registry O10).
 * Elsewhere: its bounds in bytes and time, and what an open link may do (host-link.ts).
 */
import { createHash, randomBytes, sign, verify } from "node:crypto";
import {
  type ClientFrame,
  type HandshakeWords,
  type Hello,
  HoldError,
  type HostBody,
  limits,
  type Redeem,
  type Resume,
  transcript,
} from "@holdfast/protocol";
import { redeem } from "../call/invitations.ts";
import { logIn, whereToLogin } from "../call/login.ts";
import type { Host } from "../host.ts";
import type { PlaceOwner } from "../operator/continuity.ts";
import { readGrant } from "../operator/grant.ts";
import { keyIdOf, publicKeyFromRaw } from "../operator/key.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import type { HostIdentity } from "./identity.ts";

/** An operator that was proven, and by which interface. */
export interface Proven {
  readonly operator: RegisteredOperator;
  readonly via: string;
  readonly client: string;
  /** SHA-256 of the key's raw form. Absent: any key of the operator may have been it (host-link.ts L7). */
  readonly provenKey?: Uint8Array;
  /** By a grant that the key signed, and not by the key. */
  readonly isBearer?: boolean;
  /** How long that grant is good for. */
  readonly leftMs?: number;
}

/** Who is there, and what their link is bound to. */
export interface Opening extends Proven {
  /** Of the device key that was proven here, hex; empty where the carrier or a grant has proven it: nothing is bound to that. */
  readonly keyId: string;
  /** The place that is taken up. */
  readonly resumes: PlaceOwner | null;
  readonly carrier: string;
  /** Hash of all that was said and proven. */
  readonly binding: Uint8Array;
}

export interface HandshakeParts {
  readonly host: Host;
  readonly identity: HostIdentity;
  /** Names the link to the books. */
  readonly link: string;
  readonly carrier: string;
  /** S4. */
  readonly peerKey?: Uint8Array | undefined;
  /** S5. */
  readonly isPlain: boolean;
  /** Whom the carrier has proven, for a client that says hello without a key. */
  readonly vouched: Proven | null;
  readonly say: (body: HostBody) => void;
  readonly opened: (opening: Opening) => void;
  /** Of what took a while. */
  readonly failed: (fault: unknown) => void;
}

interface Challenged {
  readonly name: "challenged";
  readonly keyId: Buffer;
  readonly signed: HandshakeWords;
  readonly carrier: string;
  readonly via: string;
  readonly client: string;
}
type Step =
  | { readonly name: "new" }
  | Challenged
  | { readonly name: "looking" }
  | { readonly name: "opened" }
  | { readonly name: "over" };

export const VIAS: ReadonlySet<string> = new Set(["cli", "sdk", "mcp", "web", "ssh"]);
const CLIENT_CHARS = 64;
const NO_SIGNATURE = new Uint8Array(0);

export class HostHandshake {
  readonly #parts: HandshakeParts;
  #step: Step = { name: "new" };

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
  }

  /** Nobody waits for it any more. */
  giveUp(): void {
    this.#step = { name: "over" };
  }

  hear(body: ClientFrame["body"]): void {
    const step = this.#step;
    if (step.name === "new" && body.case === "hello") return this.#hello(body.value);
    if (step.name === "challenged") {
      switch (body.case) {
        case "proof": {
          const words = transcript("operator", step.signed);
          const operator = this.#prove(step, words, body.value.signature);
          return this.#open(step, operator, { words, signature: body.value.signature });
        }
        case "resume":
          return this.#resume(step, body.value);
        case "redeem":
          return this.#redeem(step, body.value);
        case "bear":
          this.#checkUnheard("a grant");
          return this.#bear(step, body.value.grant);
      }
    }
    throw new HoldError("bad_request", "a link begins with Hello and Proof");
  }

  #hello(hello: Hello): void {
    const { host, identity, vouched, carrier, say } = this.#parts;
    const protocol = Math.min(hello.maxProtocol, limits.protocolMax);
    if (protocol < hello.minProtocol || protocol < limits.protocolMin) {
      throw new HoldError(
        "version_mismatch",
        `this host (${host.version}) speaks protocol ${limits.protocolMin} to ${limits.protocolMax}, ${hello.client || "the client"} ${hello.minProtocol} to ${hello.maxProtocol}; restart the host with the newer one: hold host down && hold host up`,
      );
    }
    const isVouched = vouched !== null && hello.keyId.length === 0;
    if (hello.nonce.length !== 32 || (hello.keyId.length !== 32 && !isVouched))
      throw new HoldError("bad_request", "a hello carries a nonce and a key id of 32 bytes");
    const via = VIAS.has(hello.via) ? hello.via : "sdk";
    const nonce = randomBytes(32);
    const words = {
      clientNonce: hello.nonce,
      keyId: hello.keyId,
      via,
      protocol,
      hostKey: identity.publicKey,
      hostNonce: nonce,
    };
    const challenged: Challenged = {
      name: "challenged",
      keyId: Buffer.from(hello.keyId),
      signed: words,
      carrier: carrier === "unix" && hello.carrier === "stdio" ? "stdio" : carrier,
      via,
      client: hello.client.slice(0, CLIENT_CHARS),
    };
    this.#step = challenged;
    say({
      case: "challenge",
      value: {
        protocol,
        hostId: identity.id,
        hostKey: identity.publicKey,
        nonce,
        signature: sign(null, transcript("host", words), identity.key),
        version: host.version,
      },
    });
    if (isVouched) this.#vouch(challenged, vouched);
  }

  /** The operator whose key signed these words (S1). */
  #prove({ keyId }: Challenged, words: Uint8Array, signature: Uint8Array): RegisteredOperator {
    const { registry } = this.#parts.host;
    this.#checkPeer(keyId);
    const revoked = registry.byRevokedKeyId(keyId);
    const known = registry.byKeyId(keyId) ?? revoked;
    if (!known || !verify(null, words, publicKeyFromRaw(known.key), signature))
      throw new HoldError(
        "unknown_credential",
        "this host knows no operator by that key; an admin adds one with: hold operator add NAME",
      );
    const { operator } = known;
    if (operator.revoked) throw new HoldError("revoked", `operator ${operator.name} was revoked`, { operator: operator.id });
    if (revoked) throw keyRevoked(operator);
    return operator;
  }

  /** S4. Who bears a grant has no key to show twice. */
  #checkPeer(keyId: Buffer): void {
    const { peerKey } = this.#parts;
    if (peerKey && !keyIdOf(peerKey).equals(keyId))
      throw new HoldError("unknown_credential", "the key of this handshake is not the one that the tunnel was secured with");
  }

  /** S5. */
  #checkUnheard(what: string): void {
    if (this.#parts.isPlain)
      throw new HoldError(
        "not_permitted",
        `${what} is not taken through a relay that could read it, and use it itself; come another way`,
      );
  }

  #vouch(challenged: Challenged, { operator, provenKey }: Proven): void {
    const words = transcript("operator", challenged.signed);
    this.#open(challenged, operator, { words, signature: NO_SIGNATURE }, { provenKey });
  }

  #resume(challenged: Challenged, { handle, n, secret, signature }: Resume): void {
    const { host, link } = this.#parts;
    const { signed, keyId } = challenged;
    const words = transcript("resume", { ...signed, handle, n, secret });
    const operator = this.#prove(challenged, words, signature);
    const place = host.continuity.take({ handle, n, secret }, keyId.toString("hex"), link);
    // Not to log in again is not to be let in again.
    try {
      host.demand(operator, "session.observe", place.session);
    } catch (fault) {
      host.continuity.lost(place.attachment, link);
      throw fault;
    }
    this.#open(challenged, operator, { words, signature }, { resumes: place });
  }

  #redeem(challenged: Challenged, asked: Redeem): void {
    const { publicKey, signature, token, name, idToken, askLogin, protected: isProtected } = asked;
    const { signed, keyId, via } = challenged;
    const { host, identity } = this.#parts;
    const words = transcript("operator", signed);
    if (askLogin || idToken !== "") this.#checkUnheard("a login");
    else if (host.invitations.byToken(token)?.isPlain !== true) this.#checkUnheard("an invitation that is for no such page");
    this.#checkPeer(keyId);
    if (
      publicKey.length !== 32 ||
      !keyIdOf(publicKey).equals(keyId) ||
      !verify(null, words, publicKeyFromRaw(publicKey), signature)
    )
      throw new HoldError("unknown_credential", "the key that takes the invitation up is not proven");
    if (askLogin) throw whereToLogin(host);
    const open = (operator: RegisteredOperator): void => this.#open(challenged, operator, { words, signature });
    if (idToken === "") return open(redeem(host, { token, publicKey, name, via, isProtected }));
    // Too late, the key is enrolled all the same, and the next link is welcomed.
    this.#look(logIn(host, { idToken, publicKey, hostKey: identity.publicKey, via }), open);
  }

  #bear(challenged: Challenged, token: string): void {
    const { host, identity } = this.#parts;
    const { registry, ports } = host;
    const reading = readGrant(token, { registry, hostId: identity.id, wallMs: () => ports.clock.wallMs() });
    this.#look(reading, (grant) => {
      if (!challenged.keyId.equals(grant.keyId))
        throw new HoldError("unknown_credential", "the grant is of another key than the hello");
      const words = transcript("operator", challenged.signed);
      this.#open(challenged, grant.operator, { words, signature: NO_SIGNATURE }, { bearerMs: grant.leftMs });
    });
  }

  /** S3. */
  #look<T>(looking: Promise<T>, then: (found: T) => void): void {
    this.#step = { name: "looking" };
    looking.then(then).catch((fault: unknown) => {
      if (this.#step.name !== "over") this.#parts.failed(fault);
    });
  }

  #open(
    { via, client, keyId, carrier }: Challenged,
    operator: RegisteredOperator,
    { words, signature }: { words: Uint8Array; signature: Uint8Array },
    more: { readonly resumes?: PlaceOwner; readonly provenKey?: Uint8Array | undefined; readonly bearerMs?: number } = {},
  ): void {
    if (this.#step.name === "over") return;
    this.#step = { name: "opened" };
    const provenKey = "provenKey" in more ? more.provenKey : keyId;
    // Nothing is bound to a key that was not shown: who bears a grant is given no token for coming back.
    const bound =
      more.bearerMs === undefined ? { keyId: keyId.toString("hex") } : { keyId: "", isBearer: true, leftMs: more.bearerMs };
    const binding = createHash("sha256").update(words).update(signature).digest();
    this.#parts.opened({
      ...{ operator, via, client, carrier, binding, resumes: more.resumes ?? null },
      ...(provenKey ? { provenKey } : {}),
      ...bound,
    });
  }
}

export function keyRevoked({ id, name }: RegisteredOperator): HoldError {
  return new HoldError(
    "key_revoked",
    `this key of ${name} was revoked, and ${name} was not: come in with another device, and enrol this one anew with a key of its own: hold operator invite --device`,
    { operator: id },
  );
}
