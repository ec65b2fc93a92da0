/** One session, for programs (the keys of design §5) and for people (a row of `hold ls`). */
import {
  exitJson,
  type Floor,
  floorModeWord,
  type Invitation,
  type Kernel,
  type OperatorInfo,
  type Presence,
  type Session,
  sessionKindWord,
  stateWord,
} from "@holdfast/sdk";
import { formatSize } from "../read/size.ts";
import { ago, iso } from "./time.ts";
import { exitText, operatorKindWord } from "./words.ts";

export const presenceJson = (p: Presence) => ({
  id: p.operator,
  name: p.name,
  kind: operatorKindWord(p.kind),
  via: p.via,
  attachment: p.attachment,
  observing: p.observing,
  e2e: !p.plain,
});

export const floorJson = (f: Floor | undefined) => ({
  mode: floorModeWord(f?.mode ?? 0),
  holder: f?.holder || null,
  holderName: f?.holderName || null,
  holderKind: f?.holder ? operatorKindWord(f.holderKind) : null,
  seat: f?.seat || null,
  epoch: Number(f?.epoch ?? 0),
  expiresAt: iso(f?.expiresUnixMs ?? 0),
  asking: f?.asking ?? [],
  aiPaused: f?.aiPaused ?? false,
});

export const kernelJson = (k: Kernel) => ({
  spec: k.spec,
  language: k.language || null,
  phase: k.phase,
  execution: k.execution,
  incarnation: k.incarnation,
  pid: k.pid || null,
  waiting: k.waiting,
  prompts: k.prompts,
  silent: k.silent,
});

/** `python3: idle`, with what waits. */
export function kernelText(k: Kernel): string {
  const state = k.phase === "ready" ? (k.silent ? "silent" : k.execution) : k.phase;
  const waits = [k.prompts ? "asks for input" : "", k.waiting > 0 ? `${k.waiting} waiting` : ""].filter(Boolean).join(", ");
  return `${k.spec} kernel: ${state}${waits ? ` (${waits})` : ""}`;
}

export const sessionJson = (s: Session) => ({
  id: s.id,
  name: s.name || null,
  kind: sessionKindWord(s.kind),
  state: stateWord(s.state),
  pid: s.pid || null,
  createdAt: iso(s.createdUnixMs),
  operators: s.operators.map(presenceJson),
  floor: floorJson(s.floor),
  size: s.size ? { cols: s.size.cols, rows: s.size.rows } : null,
  sizePinned: s.sizePinned,
  cwd: s.cwd,
  command: s.command,
  running: s.running || null,
  exit: exitJson(s.exit),
  group: s.group || null,
  seq: Number(s.seq),
  outputBytes: Number(s.outputBytes),
  lastActivityAt: iso(s.lastActivityUnixMs),
  incarnation: s.incarnation,
  kernel: s.kernel ? kernelJson(s.kernel) : null,
  syncInput: s.syncInput,
  openedBy: s.openedBy,
  parent: s.parent || null,
});

export const operatorJson = (o: OperatorInfo) => ({
  id: o.id,
  name: o.name,
  kind: operatorKindWord(o.kind),
  role: o.role,
  capabilities: o.capabilities,
  addedAt: iso(o.addedUnixMs),
  addedBy: o.addedBy || null,
  revoked: o.revoked,
  keys: o.keyIds.map((k) => Buffer.from(k).toString("hex")),
  credentials: o.keys.map((k) => ({
    id: Buffer.from(k.id).toString("hex"),
    addedAt: iso(k.addedUnixMs),
    addedBy: k.addedBy || null,
    usedAt: iso(k.usedUnixMs),
    usedVia: k.usedVia || null,
    revokedAt: iso(k.revokedUnixMs),
  })),
  oidc: o.oidcSubject ? { issuer: o.oidcIssuer, subject: o.oidcSubject } : null,
  protectedKeys: o.protectedKeyIds.map((k) => Buffer.from(k).toString("hex")),
  onBehalfOf: o.onBehalfOf || null,
  guestOf: o.session || null,
  until: iso(o.untilUnixMs),
});

export const invitationJson = (i: Invitation, nowMs: number) => ({
  id: i.id,
  state: invitationState(i, nowMs),
  for: i.operator || null,
  kind: operatorKindWord(i.kind),
  role: i.role,
  session: i.session || null,
  until: iso(i.untilUnixMs),
  redeemUntil: iso(i.redeemUntilUnixMs),
  invitedBy: i.invitedBy,
  redeemedBy: i.redeemedBy || null,
});

/** `open`, `taken`, `revoked` or `expired`: nobody took it up in time. */
export function invitationState(i: Invitation, nowMs: number): "open" | "taken" | "revoked" | "expired" {
  if (i.revoked) return "revoked";
  if (i.redeemedBy !== "") return "taken";
  return Number(i.redeemUntilUnixMs) > nowMs ? "open" : "expired";
}

/** Quoted only where a shell would need it. */
export function commandText(words: readonly string[]): string {
  return words.map((w) => (/^[\w@%+=:,./~-]+$/.test(w) ? w : `'${w.replaceAll("'", `'\\''`)}'`)).join(" ");
}

export function homeShort(path: string, home: string | undefined): string {
  return home && (path === home || path.startsWith(`${home}/`)) ? `~${path.slice(home.length)}` : path;
}

/** `ana (ai), ben`; observers in brackets. */
export function whoText(operators: readonly Presence[]): string {
  const seen = new Map<string, string>();
  for (const p of operators) {
    const kind = operatorKindWord(p.kind);
    const name = (p.name || p.operator) + (kind === "human" || kind === "unknown" ? "" : ` (${kind})`);
    const before = seen.get(p.operator);
    if (before === undefined || before.startsWith("[")) seen.set(p.operator, p.observing ? `[${name}]` : name);
  }
  return [...seen.values()].join(", ");
}

export function steersText(floor: Floor | undefined): string {
  if (!floor) return "";
  const paused = floor.aiPaused ? " (AI paused)" : "";
  if (floorModeWord(floor.mode) === "open") return `all${paused}`;
  return floor.holder ? `${floor.holderName || floor.holder}${paused}` : `nobody${paused}`;
}

/** What a person looks for in the state: how it lives, or how it ended. */
export function stateText(s: Session): string {
  const state = stateWord(s.state);
  if (state === "running") return state;
  return state === "ended" ? exitText(s.exit) : `${state}${s.exit?.reason ? `: ${s.exit.reason}` : ""}`;
}

export function sessionRow(s: Session, now: number, home: string | undefined): string[] {
  return [
    s.name,
    s.id,
    stateText(s),
    whoText(s.operators),
    steersText(s.floor),
    formatSize(s.size),
    ago(s.lastActivityUnixMs || s.createdUnixMs, now),
    homeShort(s.cwd, home),
    s.kernel ? kernelText(s.kernel) : s.running || commandText(s.command),
  ];
}
