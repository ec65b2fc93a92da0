/** Calls on invitations (operator/invitations.ts), and their redemption in the handshake. */
import { randomBytes } from "node:crypto";
import {
  create,
  DoneSchema,
  HoldError,
  InvitationListAnswerSchema,
  InvitationSchema,
  InviteAnswerSchema,
  type Invitation as OnWire,
  OperatorKind,
} from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { Invitation } from "../operator/invitations.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { kindFromWire, kindOnWire } from "../session/on-wire.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { forText, isOwn, mayProtect } from "./machine.ts";

/** How long an invitation can be taken up that is for no guest: whoever has it may become an operator for good. */
const REDEEM_MS = 10 * 60_000;
const MAX_GUEST_MS = 30 * 86_400_000;
const TOKEN_BYTES = 32;

export async function invite(ctx: CallContext, call: Verb<"invite">): Promise<Result> {
  const { host, operator, via, hostKey } = ctx;
  const known = call.operator === "" ? null : host.registry.byName(call.operator);
  // Another device of one's own adds nobody, and no right.
  if (!isOwn(ctx, known)) host.demand(operator, "host.admin", null);
  const now = host.ports.clock.wallMs();
  if (call.operator !== "" && (!known || known.revoked))
    throw new HoldError(
      "no_such_operator",
      `no operator ${JSON.stringify(call.operator.slice(0, 64))}; hold operator ls shows who there is`,
    );
  if (known?.guest)
    throw new HoldError("bad_request", `${known.name} is a guest, with one key; share the session again for another one`);
  if (!known) checkNewcomer(host, call);
  const ttlMs = Number(call.ttlMs);
  const session = known || call.session === "" ? null : host.find(call.session);
  if (session && (ttlMs <= 0 || ttlMs > MAX_GUEST_MS))
    throw new HoldError("bad_request", "a guest's time is more than nothing and at most 30 days (ttl_ms)");
  const guest = session ? { session: session.id, untilUnixMs: now + ttlMs } : null;
  const redeemMs = Number(call.redeemMs) || (guest ? ttlMs : REDEEM_MS);
  if (redeemMs > (guest ? ttlMs : REDEEM_MS))
    throw new HoldError(
      "bad_request",
      guest
        ? "a guest's invitation can be taken up during their time, and no longer (redeem_ms, ttl_ms)"
        : "an invitation of an operator or a device can be taken up for 10 minutes at most (redeem_ms)",
    );
  if (call.plain && !relaysLetPagesIn(host))
    throw new HoldError(
      "not_permitted",
      "no page comes to this host by a relay; an admin allows it with: hold host join URL --allow-plain",
    );
  const token = randomBytes(TOKEN_BYTES);
  const invitation = host.invitations.add(
    {
      id: host.ports.newId(8),
      operator: known?.id ?? "",
      kind: known?.kind ?? kindFromWire(call.kind),
      role: known?.role ?? call.role,
      ...(known || call.name === "" ? {} : { name: call.name }),
      ...(known || call.onBehalfOf === "" ? {} : { onBehalfOf: call.onBehalfOf }),
      guest,
      mayProtect: !call.plain && mayProtect(ctx),
      ...(call.plain ? { isPlain: true } : {}),
      invitedBy: operator.id,
      invitedUnixMs: now,
      redeemUntilUnixMs: Math.min(now + redeemMs, guest?.untilUnixMs ?? Infinity),
    },
    token,
  );
  host.recordOperator({ id: operator.id, via }, known?.id ?? "", "invited", wordsFor(invitation));
  return { case: "invite", value: create(InviteAnswerSchema, { invitation: shown(invitation), token, hostKey }) };
}

function relaysLetPagesIn({ relays }: Host): boolean {
  return relays?.list().some((uplink) => uplink.allowPlain) ?? false;
}

function checkNewcomer(host: Host, call: Verb<"invite">): void {
  if (call.kind !== OperatorKind.HUMAN && call.kind !== OperatorKind.SERVICE && call.kind !== OperatorKind.AI)
    throw new HoldError("bad_request", "an operator is human, service or ai");
  const newcomer = { kind: kindFromWire(call.kind), role: call.role };
  if (call.name === "") host.registry.checkRole(newcomer.kind, newcomer.role);
  else host.registry.checkNewcomer({ ...newcomer, name: call.name });
  host.registry.checkActsFor({ ...newcomer, onBehalfOf: call.onBehalfOf });
  if (call.session !== "" && call.role !== "observer" && call.role !== "operator")
    throw new HoldError("bad_request", `a guest of one session is an observer or an operator, not ${call.role}`);
}

function wordsFor(i: Invitation): string {
  const who =
    i.operator === ""
      ? `${i.kind} ${i.role}${i.name ? ` ${i.name}` : ""}${forText(i.onBehalfOf ?? "")}`
      : `another key for ${i.operator}`;
  const where = i.guest ? ` of session ${i.guest.session} until ${new Date(i.guest.untilUnixMs).toISOString()}` : "";
  return `invitation ${i.id}: ${who}${where}${i.isPlain ? ", for a page through a relay (e2e=false)" : ""}`;
}

export async function invitationList({ host }: CallContext): Promise<Result> {
  const value = create(InvitationListAnswerSchema, { invitations: host.invitations.list().map(shown) });
  return { case: "invitationList", value };
}

export async function invitationRevoke({ host, operator, via }: CallContext, call: Verb<"invitationRevoke">): Promise<Result> {
  const was = host.invitations.byId(call.invitation);
  if (!was)
    throw new HoldError(
      "invitation_unknown",
      `there is no invitation ${JSON.stringify(call.invitation.slice(0, 64))}; name one of the host's list by its id`,
    );
  host.invitations.revoke(was.id);
  host.recordOperator({ id: operator.id, via }, was.redeemedBy, "uninvited", wordsFor(was));
  const guest = was.guest && was.redeemedBy !== "" ? host.registry.byName(was.redeemedBy) : null;
  if (guest && !guest.revoked) host.revoke(guest, { id: operator.id, via });
  return { case: "done", value: create(DoneSchema) };
}

/** The token is used up for this key: who it is from now on. The key's possession is proven already. */
export function redeem(
  host: Host,
  init: { token: Uint8Array; publicKey: Uint8Array; name: string; via: string; isProtected: boolean },
): RegisteredOperator {
  const now = host.ports.clock.wallMs();
  if (host.ports.journal.frozen)
    throw new HoldError("journal_frozen", "the journal can't be written: nobody is let in unrecorded; try again later");
  if (host.registry.hasKey(init.publicKey))
    throw new HoldError("name_taken", "that key belongs to an operator already; take the invitation up with a new one");
  const invitation = host.invitations.take(init.token, now);
  if (host.registry.byName(invitation.invitedBy)?.revoked !== false)
    throw new HoldError("invitation_unknown", "who invited was revoked since; ask for another invitation", { reason: "revoked" });
  const isProtected = init.isProtected && invitation.mayProtect === true;
  const isPlain = invitation.isPlain === true;
  const name = invitation.name || init.name || `guest-${host.ports.newId(6)}`;
  let operator: RegisteredOperator;
  try {
    operator =
      invitation.operator === ""
        ? host.registry.add({
            name,
            kind: invitation.kind,
            role: invitation.role,
            publicKey: init.publicKey,
            onBehalfOf: invitation.onBehalfOf ?? "",
            by: invitation.invitedBy,
            nowUnixMs: now,
            ...{ isProtected, isPlain },
            ...(invitation.guest ? { guest: invitation.guest } : {}),
          })
        : host.registry.addKey(invitation.operator, init.publicKey, {
            by: invitation.invitedBy,
            nowUnixMs: now,
            ...{ isProtected, isPlain },
          });
  } catch (fault) {
    // A name that is taken, or none, costs nobody the invitation.
    if (fault instanceof HoldError) host.invitations.reopen(invitation);
    throw fault;
  }
  host.invitations.redeemed(invitation, operator.id);
  host.recordOperator({ id: operator.id, via: init.via }, operator.id, "joined", wordsFor(invitation));
  host.keepGuest(operator);
  return operator;
}

function shown(i: Invitation): OnWire {
  return create(InvitationSchema, {
    id: i.id,
    operator: i.operator || (i.name ?? ""),
    kind: kindOnWire(i.kind),
    role: i.role,
    session: i.guest?.session ?? "",
    untilUnixMs: BigInt(Math.trunc(i.guest?.untilUnixMs ?? 0)),
    redeemUntilUnixMs: BigInt(Math.trunc(i.redeemUntilUnixMs)),
    invitedBy: i.invitedBy,
    redeemedBy: i.redeemedBy,
    revoked: i.state === "revoked",
    plain: i.isPlain === true,
  });
}
