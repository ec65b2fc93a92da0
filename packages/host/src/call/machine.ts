/** Calls on operators and on the host itself. */
import { capabilitiesOf } from "@holdfast/core";
import {
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
  type OperatorInfo,
} from "@holdfast/protocol";
import { keyIdOf } from "../operator/key.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { kindFromWire, kindOnWire } from "../session/on-wire.ts";
import type { CallContext, Result, Verb } from "./context.ts";

export async function operatorAdd({ host, operator, via }: CallContext, call: Verb<"operatorAdd">): Promise<Result> {
  if (host.ports.journal.frozen)
    throw new HoldError(
      "journal_frozen",
      `the journal can't be written (${host.ports.journal.frozen.message}): nobody is added unrecorded; free some space, hold doctor tells more`,
    );
  if (call.kind !== OperatorKind.HUMAN && call.kind !== OperatorKind.SERVICE && call.kind !== OperatorKind.AI)
    throw new HoldError("bad_request", "an operator is human, service or ai");
  if (call.onBehalfOf !== "" && host.registry.byName(call.onBehalfOf)?.kind !== "human")
    throw new HoldError(
      "no_such_operator",
      `no person ${JSON.stringify(call.onBehalfOf.slice(0, 64))} to act on behalf of; hold operator ls shows who there is`,
    );
  const added = host.registry.add({
    name: call.name,
    kind: kindFromWire(call.kind),
    role: call.role,
    publicKey: call.publicKey,
    onBehalfOf: call.onBehalfOf,
    by: operator.id,
    nowUnixMs: host.ports.clock.wallMs(),
  });
  host.recordOperator({ id: operator.id, via }, added.id, "added", `${added.kind} ${added.role}`);
  return { case: "operatorAdd", value: create(OperatorAddAnswerSchema, { operator: shown(added) }) };
}

export async function operatorList({ host }: CallContext): Promise<Result> {
  return { case: "operatorList", value: create(OperatorListAnswerSchema, { operators: host.registry.list().map(shown) }) };
}

export async function operatorRevoke({ host, operator, via }: CallContext, call: Verb<"operatorRevoke">): Promise<Result> {
  const revoked = host.registry.byName(call.operator);
  if (!revoked)
    throw new HoldError("no_such_operator", `no operator ${JSON.stringify(call.operator)}; hold operator ls shows who there is`);
  host.revoke(revoked, { id: operator.id, via });
  return { case: "done", value: create(DoneSchema) };
}

/** What is left of who calls: the rights that a grant leaves out are not among them. */
export async function whoami({ host, hostId, operator, via, link }: CallContext): Promise<Result> {
  const { narrowed } = operator;
  const who = shown(host.registry.byName(operator.id) ?? operator);
  const capabilities = who.capabilities.filter((c) => narrowed?.capabilities?.some((left) => left === c) ?? true);
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
      notices: [...journal.recovery, ...host.notices],
      addresses: Object.fromEntries(host.addresses),
      shim: host.shimBinary,
    }),
  };
}

/** The host goes once this is answered; sessions stay with their shims. */
export async function hostDown({ host, operator }: CallContext, _call: Verb<"hostDown">): Promise<Result> {
  if (!host.onDown) throw new HoldError("unsupported", "this host can't be asked to go");
  host.ports.log(`asked down by ${operator.name}`);
  const { onDown } = host;
  host.ports.defer(() => host.ports.defer(onDown));
  return { case: "done", value: create(DoneSchema) };
}

function shown(o: RegisteredOperator): OperatorInfo {
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
    onBehalfOf: o.onBehalfOf,
    session: o.guest?.session ?? "",
    untilUnixMs: BigInt(Math.trunc(o.guest?.untilUnixMs ?? 0)),
  });
}
