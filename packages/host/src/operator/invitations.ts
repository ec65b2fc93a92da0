/**
 * Invitations: single-use tokens that make a key an operator's.
 *
 *   I1  A token is 32 random bytes, told once. The host keeps its SHA-256 only: a copied file lets nobody in.
 *   I2  It is used up, on the disk, before anything comes of it: of any number of takers one gets in, and after a crash perhaps none.
 *   I3  It is taken up within its time and not after it was taken back. Every refusal has one code; who holds a token that was one is told
 *       what became of it, and who guesses learns nothing.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { OperatorKind } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { Guest } from "./registry.ts";
import { storeDurably } from "./store.ts";

export interface Invitation {
  readonly id: string;
  /** SHA-256 of the token, hex. */
  readonly tokenHash: string;
  /** Who gets another key; empty: a new operator. */
  readonly operator: string;
  readonly kind: OperatorKind;
  readonly role: string;
  /** Of a new operator; empty or absent: as who takes it up wishes. */
  readonly name?: string;
  /** Of a new AI. */
  readonly onBehalfOf?: string;
  readonly guest: Guest | null;
  /** Who takes it up may say that their key is protected (registry O8). Absent: not. */
  readonly mayProtect?: boolean;
  /** For a page whose link a relay can read: its key is a plain one (registry O10). Any other is not taken up where one could hear it. */
  readonly isPlain?: boolean;
  readonly invitedBy: string;
  readonly invitedUnixMs: number;
  readonly redeemUntilUnixMs: number;
  /** `taken`: used up, by an operator who is named as soon as there is one. */
  readonly state: "open" | "taken" | "revoked";
  readonly redeemedBy: string;
}

/** What is over is listed for so long. */
const LISTED_MS = 30 * 86_400_000;
/** Open at once: each is a door. */
const MAX_OPEN = 256;

export class Invitations {
  readonly #path: string | null;
  #all: readonly Invitation[];
  /** Told after each change. */
  onChange: () => void = () => {};

  private constructor(path: string | null, all: readonly Invitation[]) {
    this.#path = path;
    this.#all = all;
  }

  /** Null: kept in memory only. Throws `internal` for a file that can't be read: nobody is let in by guessing. */
  static open(path: string | null): Invitations {
    if (path === null || !existsSync(path)) return new Invitations(path, []);
    try {
      const all = JSON.parse(readFileSync(path, "utf8")) as Invitation[];
      if (!Array.isArray(all) || all.some((i) => typeof i.tokenHash !== "string"))
        throw new Error("it holds no list of invitations");
      return new Invitations(path, all);
    } catch (cause) {
      throw new HoldError(
        "internal",
        `${path} can't be read (${(cause as Error).message}); put it right, or aside: open invitations are then gone`,
        {},
        { cause },
      );
    }
  }

  list(): readonly Invitation[] {
    return this.#all;
  }

  /** Open or over. */
  byToken(token: Uint8Array): Invitation | null {
    const hash = hashOf(token);
    return this.#all.find((i) => i.tokenHash === hash) ?? null;
  }

  byId(id: string): Invitation | null {
    return this.#all.find((i) => i.id === id) ?? null;
  }

  add(init: Omit<Invitation, "tokenHash" | "state" | "redeemedBy">, token: Uint8Array): Invitation {
    const now = init.invitedUnixMs;
    const kept = this.#all.filter((i) => i.redeemUntilUnixMs + LISTED_MS > now || (i.guest?.untilUnixMs ?? 0) > now);
    if (kept.filter((i) => i.state === "open" && i.redeemUntilUnixMs > now).length >= MAX_OPEN)
      throw new HoldError("too_many", `${MAX_OPEN} invitations are open: take some back, or wait until they are over`);
    const invitation: Invitation = { ...init, tokenHash: hashOf(token), state: "open", redeemedBy: "" };
    this.#store([...kept, invitation]);
    return invitation;
  }

  /** I2, I3. Throws `invitation_unknown`. */
  take(token: Uint8Array, nowUnixMs: number): Invitation {
    const found = this.byToken(token) ?? undefined;
    if (found?.state !== "open" || nowUnixMs >= found.redeemUntilUnixMs) throw notOpen(found);
    return this.#set(found, { state: "taken" });
  }

  /** Nothing came of its taking. */
  reopen(invitation: Invitation): void {
    this.#set(invitation, { state: "open" });
  }

  redeemed(invitation: Invitation, by: string): void {
    this.#set(invitation, { redeemedBy: by });
  }

  /** Nobody takes it up any more. Returns it; null if there is none by that id. */
  revoke(id: string): Invitation | null {
    const found = this.byId(id);
    return found && this.#set(found, { state: "revoked" });
  }

  /** Whoever holds the keys of an operator may have asked for these: nobody takes up what they invited to, nor another key of theirs, nor acts for them. */
  withdraw(operator: string): void {
    const isTheirs = (i: Invitation): boolean => i.state === "open" && [i.invitedBy, i.operator, i.onBehalfOf].includes(operator);
    if (this.#all.some(isTheirs)) this.#store(this.#all.map((i) => (isTheirs(i) ? { ...i, state: "revoked" as const } : i)));
  }

  #set(invitation: Invitation, change: Partial<Invitation>): Invitation {
    const found = this.byId(invitation.id) ?? invitation;
    const next = { ...found, ...change };
    this.#store(this.#all.map((i) => (i.id === next.id ? next : i)));
    return next;
  }

  #store(all: readonly Invitation[]): void {
    if (this.#path !== null) storeDurably(this.#path, all);
    this.#all = all;
    this.onChange();
  }
}

/** I3. */
function notOpen(of: Invitation | undefined): HoldError {
  if (!of) return new HoldError("invitation_unknown", "this host knows no such invitation; ask for another one");
  const [reason, what] =
    of.state === "revoked"
      ? ["revoked", "was taken back"]
      : of.state === "taken"
        ? ["taken", "was taken up already, and works once: if that was not you, tell who sent it"]
        : ["expired", `could be taken up until ${new Date(of.redeemUntilUnixMs).toISOString()}`];
  return new HoldError("invitation_unknown", `that invitation ${what}; ask for another one`, { reason });
}

function hashOf(token: Uint8Array): string {
  return createHash("sha256").update(token).digest("hex");
}
