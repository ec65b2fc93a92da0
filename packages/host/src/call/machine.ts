/** Calls on operators and on the host itself. */
import { capabilitiesOf } from "@holdfast/core";
import {
  ConsoleAnswerSchema,
  create,
  DoneSchema,
  HoldError,
  HostStatusAnswerSchema,
  limits,
  OperatorKind,
  OperatorAddAnswerSchema,
  OperatorInfoSchema,
  OperatorListAnswerSchema,
  WhoamiAnswerSchema,
  type Init,
  type OperatorInfo,
  type OperatorKey,
} from "@holdfast/protocol";
import { READING } from "../operator/rights.ts";
import type { Host } from "../host.ts";
import { keyIdOf } from "../operator/key.ts";
import { type Credential, credentialsOf, type OidcSubject, type RegisteredOperator } from "../operator/registry.ts";
import { kindFromWire, kindOnWire } from "../session/on-wire.ts";
import type { CallContext, Result, Verb } from "./context.ts";

export async function operatorAdd({ host, operator, via }: CallContext, call: Verb<"operatorAdd">): Promise<Result> {
  refuseUnrecorded(host);
  if (call.kind !== OperatorKind.HUMAN && call.kind !== OperatorKind.SERVICE && call.kind !== OperatorKind.AI)
    throw new HoldError("bad_request", "an operator is human, service or ai");
  const added = host.registry.add({
    name: call.name,
    kind: kindFromWire(call.kind),
    role: call.role,
    publicKey: call.oidcSubject !== "" && call.publicKey.length === 0 ? null : call.publicKey,
    onBehalfOf: call.onBehalfOf,
    by: operator.id,
    nowUnixMs: host.ports.clock.wallMs(),
    isProtected: call.protected,
    ...(call.oidcSubject === "" ? {} : { oidc: subjectHere(host, call.oidcSubject) }),
  });
  const key = call.protected ? ", its key protected" : "";
  const words = `${added.kind} ${added.role}${forText(added.onBehalfOf)}${key}${linkedText(added)}`;
  host.recordOperator({ id: operator.id, via }, added.id, "added", words);
  return { case: "operatorAdd", value: create(OperatorAddAnswerSchema, { operator: shown(host, added, true) }) };
}

/** Nobody is let in whom the record does not tell of. */
function refuseUnrecorded({ ports }: Host): void {
  const { frozen } = ports.journal;
  if (frozen)
    throw new HoldError(
      "journal_frozen",
      `the journal can't be written (${frozen.message}): nobody is added unrecorded; free some space, hold doctor tells more`,
    );
}

/** What the host's issuer calls a person. */
function subjectHere(host: Host, subject: string): OidcSubject {
  if (!host.oidc)
    throw new HoldError(
      "bad_request",
      "nobody can log in here yet: say where, with hold host up --oidc-issuer URL --oidc-client-id ID",
    );
  return { issuer: host.oidc.settings.issuer, subject };
}

export const forText = (onBehalfOf: string): string => (onBehalfOf === "" ? "" : ` on behalf of ${onBehalfOf}`);
const linkedText = ({ oidc }: RegisteredOperator): string => (oidc ? `, ${oidc.subject} of ${oidc.issuer}` : "");

export async function operatorLink({ host, operator, via }: CallContext, call: Verb<"operatorLink">): Promise<Result> {
  const oidc = call.oidcSubject === "" ? null : subjectHere(host, call.oidcSubject);
  const linked = host.registry.link(call.operator, oidc);
  host.recordOperator({ id: operator.id, via }, linked.id, oidc ? "linked" : "unlinked", linkedText(linked).slice(2));
  return { case: "done", value: create(DoneSchema) };
}

export async function operatorList({ host, operator, isBearer }: CallContext): Promise<Result> {
  const all = host.may(operator, "policy.write", null);
  const operators = host.registry.list().map((o) => shown(host, o, all || (o.id === operator.id && !isBearer)));
  return { case: "operatorList", value: create(OperatorListAnswerSchema, { operators }) };
}

export async function operatorRevoke({ host, operator, via }: CallContext, call: Verb<"operatorRevoke">): Promise<Result> {
  const revoked = host.registry.byName(call.operator);
  if (!revoked)
    throw new HoldError("no_such_operator", `no operator ${JSON.stringify(call.operator)}; hold operator ls shows who there is`);
  host.revoke(revoked, { id: operator.id, via });
  return { case: "done", value: create(DoneSchema) };
}

/** A person adds keys of their own; those of others, guests among them, who may change operators: all keys of a guest end with their time. */
export async function keyAdd(ctx: CallContext, call: Verb<"keyAdd">): Promise<Result> {
  const { host, operator, via } = ctx;
  const of = keyHolder(ctx, call.operator);
  if (call.protected && !mayProtect(ctx))
    throw new HoldError(
      "not_permitted",
      "of a key that is protected says so who may change operators, or whose own key is protected; add it without, or ask an admin",
    );
  refuseUnrecorded(host);
  const nowUnixMs = host.ports.clock.wallMs();
  host.registry.addKey(of.id, call.publicKey, { by: operator.id, nowUnixMs, isProtected: call.protected });
  const words = `${keyIdOf(call.publicKey).toString("hex")}${call.protected ? ", protected" : ""}`;
  host.recordOperator({ id: operator.id, via }, of.id, "key_added", words);
  return { case: "done", value: create(DoneSchema) };
}

/** Registry O8: whose word it is that a key is protected. A plain key of somebody's makes no protected one. */
export function mayProtect({ host, operator, keyId = "" }: CallContext): boolean {
  return host.may(operator, "policy.write", null) || host.registry.isProtected(operator.id, keyId);
}

/** Whose keys are meant, if they are for this caller to change. */
function keyHolder(ctx: CallContext, name: string): RegisteredOperator {
  const { host, operator } = ctx;
  const of = host.registry.byName(name);
  if (!isOwn(ctx, of)) host.demand(operator, "policy.write", null);
  if (!of)
    throw new HoldError(
      "no_such_operator",
      `no operator ${JSON.stringify(name.slice(0, 64))}; hold operator ls shows who there is`,
    );
  return of;
}

/** A person takes away keys of their own; those of others, who may change operators. */
export async function keyRevoke(ctx: CallContext, call: Verb<"keyRevoke">): Promise<Result> {
  const { host, operator, via } = ctx;
  const of = keyHolder(ctx, call.operator);
  host.revokeKey(of, call.key, { id: operator.id, via });
  return { case: "done", value: create(DoneSchema) };
}

/**
 * Whether this is a person about themselves, with a key of theirs: what a grant of theirs is for ends with it, and a key does not. An AI or a
 * service is somebody else's to look after, and a guest has one key.
 */
export function isOwn({ operator, isBearer }: CallContext, of: RegisteredOperator | null): boolean {
  return of?.id === operator.id && of.kind === "human" && !of.guest && !of.revoked && !isBearer;
}

/** What is left of who calls: the rights that a grant leaves out are not among them. */
export async function whoami({ host, hostId, operator, via, link, isBearer }: CallContext): Promise<Result> {
  const { narrowed } = operator;
  const who = shown(host, host.registry.byName(operator.id) ?? operator, !isBearer);
  const capabilities = who.capabilities.filter(
    (c) =>
      (narrowed?.capabilities?.some((left) => left === c) ?? true) && (!host.recordOf || READING.some((right) => right === c)),
  );
  return {
    case: "whoami",
    value: create(WhoamiAnswerSchema, {
      operator: { ...who, capabilities, session: narrowed?.session ?? who.session },
      via,
      hostId,
      link,
    }),
  };
}

export async function hostStatus({ host, hostId }: CallContext): Promise<Result> {
  const sessions = [...host.sessions.values()];
  const running = sessions.filter((s) => !s.isOver);
  const { journal } = host.ports;
  return {
    case: "hostStatus",
    value: create(HostStatusAnswerSchema, {
      pid: process.pid,
      version: host.version,
      startedUnixMs: BigInt(host.startedAtUnixMs),
      hostId,
      home: host.home,
      sessions: sessions.length,
      running: running.length,
      links: host.linkCount(),
      attachments: sessions.reduce((n, s) => n + s.attachments.size, 0),
      rssBytes: BigInt(process.memoryUsage.rss()),
      journalBytes: BigInt(journal.tails().reduce((n, t) => n + t.payloadBytes, 0)),
      frozen: journal.frozen ? `${journal.frozen.code}: ${journal.frozen.message}` : "",
      protocol: limits.protocolMax,
      limits: host.limits,
      notices: [
        ...journal.recovery,
        ...host.notices,
        ...optional(host.policy.notice()),
        ...optional(host.mirror?.notice() ?? null),
      ],
      addresses: Object.fromEntries(host.addresses),
      sshHostKey: host.sshHostKey,
      shim: host.shimBinary,
      lagUsP99: BigInt(host.lag?.p99Us ?? 0),
      uplinks: [...(host.relays?.list() ?? [])],
      witnessAlarms: (host.witness?.alarms ?? []).map((alarm) => ({
        ...{ found: alarm.found, by: alarm.by, lastLsn: BigInt(alarm.lastLsn), atUnixMs: BigInt(alarm.atUnixMs) },
        head: { lsn: BigInt(alarm.lsn), chain: Buffer.from(alarm.chain, "hex"), atUnixMs: BigInt(alarm.headUnixMs) },
      })),
    }),
  };
}

export async function consoleCall({ host, operator, via }: CallContext, { off }: Verb<"console">): Promise<Result> {
  const { console } = host;
  if (!console) throw new HoldError("unsupported", "this host serves no page");
  const was = console.url;
  if (off) await console.close();
  else await console.open();
  const url = console.url ?? "";
  if (url !== (was ?? ""))
    host.recordOperator({ id: operator.id, via }, operator.id, off ? "console_closed" : "console_opened", url);
  return { case: "console", value: create(ConsoleAnswerSchema, { url }) };
}

export async function relayJoin(
  { host, operator, via }: CallContext,
  { url, token, name, ca, allowPlain }: Verb<"relayJoin">,
): Promise<Result> {
  const value = await relaysOf(host).join({ url, name, ca, allowPlain }, token);
  const pages = allowPlain ? ", pages let in without TLS inside (e2e=false)" : "";
  const words = `${value.url} as ${value.name} of ${value.fleet}${pages}`;
  host.recordOperator({ id: operator.id, via }, operator.id, "relay_joined", words);
  return { case: "relayJoin", value };
}

export async function relayLeave({ host, operator, via }: CallContext, { url }: Verb<"relayLeave">): Promise<Result> {
  await relaysOf(host).leave(url);
  host.recordOperator({ id: operator.id, via }, operator.id, "relay_left", url);
  return { case: "done", value: create(DoneSchema) };
}

function relaysOf({ relays }: Host): NonNullable<Host["relays"]> {
  if (!relays) throw new HoldError("unsupported", "this host dials no relay");
  return relays;
}

/** The host goes once this is answered; sessions stay with their shims. */
export async function hostDown({ host, operator }: CallContext, _call: Verb<"hostDown">): Promise<Result> {
  if (!host.onDown) throw new HoldError("unsupported", "this host can't be asked to go");
  host.ports.log(`asked down by ${operator.name}`);
  const { onDown } = host;
  host.ports.defer(() => host.ports.defer(onDown));
  return { case: "done", value: create(DoneSchema) };
}

/** `isPrivy`: it is about themselves, or they may change operators. */
function shown(host: Host, o: RegisteredOperator, isPrivy: boolean): OperatorInfo {
  return create(OperatorInfoSchema, {
    id: o.id,
    name: o.name,
    kind: kindOnWire(o.kind),
    role: o.role,
    capabilities: [...capabilitiesOf(o.role, o.kind)],
    addedUnixMs: BigInt(Math.trunc(o.addedUnixMs)),
    addedBy: o.addedBy,
    revoked: o.revoked,
    keyIds: o.keys.map((k) => keyIdOf(Buffer.from(k, "base64"))),
    protectedKeyIds: (o.protectedKeys ?? []).map((k) => keyIdOf(Buffer.from(k, "base64"))),
    onBehalfOf: o.onBehalfOf,
    session: o.guest?.session ?? "",
    untilUnixMs: BigInt(Math.trunc(o.guest?.untilUnixMs ?? 0)),
    ...(isPrivy
      ? {
          keys: credentialsOf(o).map((c) => keyShown(host, o, c)),
          oidcIssuer: o.oidc?.issuer ?? "",
          oidcSubject: o.oidc?.subject ?? "",
        }
      : {}),
  });
}

function keyShown(
  { keyUses }: Host,
  { plainKeys = [] }: RegisteredOperator,
  { key, addedUnixMs, addedBy, revokedUnixMs = 0 }: Credential,
): Init<OperatorKey> {
  const id = keyIdOf(Buffer.from(key, "base64"));
  const used = keyUses.of(id);
  return {
    id,
    addedUnixMs: BigInt(Math.trunc(addedUnixMs)),
    addedBy,
    revokedUnixMs: BigInt(Math.trunc(revokedUnixMs)),
    usedUnixMs: BigInt(Math.trunc(used?.atUnixMs ?? 0)),
    usedVia: used?.via ?? "",
    plain: plainKeys.includes(key),
  };
}

function optional(text: string | null): string[] {
  return text === null ? [] : [text];
}
