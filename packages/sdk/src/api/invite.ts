/** Letting others in: invitations, and grants for the HTTP API. */
import type { Invitation, OperatorKind } from "@holdfast/protocol";

/** Whom an invitation is for: another key of an operator (`operator`), a new operator, or with `session` a guest of that one alone. */
export interface InviteSpec {
  readonly operator?: string;
  /** Default human. */
  readonly kind?: OperatorKind;
  /** Default observer; a guest is an observer or an operator. */
  readonly role?: string;
  readonly session?: string;
  /** Of a new operator or a guest; default: as who takes it up wishes. */
  readonly name?: string;
  /** Of a new AI: the person whom it acts for. */
  readonly onBehalfOf?: string;
  /** Of a guest: how long, at most 30 days. */
  readonly ttlMs?: number;
  /** How long it can be taken up. Default, and at most: 10 min; for a guest `ttlMs`. */
  readonly redeemMs?: number;
  /**
   * For a page that a relay serves, or whose link passes one, which could read it: its key has everywhere what such a link has, and no more
   * (docs/relay-web.md). Only where an admin lets pages in by a relay. Default false.
   */
  readonly plain?: boolean;
}

export interface Invited {
  readonly invitation: Invitation;
  /** 32 bytes. */
  readonly token: Uint8Array;
  /** Raw public key of the host, which who takes it up checks the host against. */
  readonly hostKey: Uint8Array;
}

/** What a grant leaves of its operator's rights, and for how long. */
export interface GrantSpec {
  /** Default 10 min, at most 15. */
  readonly ttlMs?: number;
  /** One session alone. */
  readonly session?: string;
  /** These rights alone, of those that the operator has (`whoami` lists them). */
  readonly capabilities?: readonly string[];
}
