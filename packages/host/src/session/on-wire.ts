/** Our words in the wire's: floors, kinds and whole sessions as a list shows them. */
import { floor as floorRoom, type Floor, type OperatorKind, type SessionFacts } from "@holdfast/core";
import {
  create,
  FloorMode,
  FloorSchema,
  type Init,
  type Kernel,
  OperatorKind as WireKind,
  SessionKind,
  SessionSchema,
  SessionState,
  type Floor as WireFloor,
  type Presence,
  type Session,
} from "@holdfast/protocol";
import type { KernelSession } from "@holdfast/kernel";
import type { Clock } from "./ports.ts";

export function kindOnWire(kind: OperatorKind): WireKind {
  return { human: WireKind.HUMAN, service: WireKind.SERVICE, ai: WireKind.AI }[kind];
}

export function kindFromWire(kind: WireKind): OperatorKind {
  return kind === WireKind.AI ? "ai" : kind === WireKind.SERVICE ? "service" : "human";
}

export function floorOnWire(floor: Floor, clock: Clock): WireFloor {
  const now = clock.monoMs();
  const tenure = floor.tenure && now < floor.tenure.expiresAt ? floor.tenure : null;
  void floorRoom;
  return create(FloorSchema, {
    mode: floor.mode === "open" ? FloorMode.OPEN : FloorMode.TURN,
    epoch: BigInt(floor.epoch),
    aiPaused: floor.aiPaused,
    asking: floor.asking.map((o) => o.name),
    ...(tenure
      ? {
          holder: tenure.operator.id,
          holderName: tenure.operator.name,
          holderKind: kindOnWire(tenure.operator.kind),
          seat: tenure.seat,
          expiresUnixMs: BigInt(Math.round(clock.wallMs() + tenure.expiresAt - now)),
        }
      : {}),
  });
}

export function kernelOnWire(spec: string, state: KernelSession): Init<Kernel> {
  const language = (state.info?.["language_info"] as { readonly name?: unknown } | undefined)?.name;
  return {
    spec,
    language: typeof language === "string" ? language : "",
    phase: state.phase,
    execution: state.execution,
    incarnation: state.incarnation,
    pid: state.pid ?? 0,
    waiting: state.queue.length,
    prompts: state.prompt !== null,
    silent: state.isSilent,
  };
}

const states: Record<SessionFacts["state"], SessionState> = {
  opening: SessionState.RUNNING,
  running: SessionState.RUNNING,
  ended: SessionState.ENDED,
  lost: SessionState.LOST,
  failed: SessionState.FAILED,
};

/** `cwd`: where its shell stands, or where it began. */
export function sessionOnWire(
  facts: SessionFacts,
  floor: WireFloor,
  presence: Presence[],
  parent: string,
  cwd: string,
  kernel: KernelSession | null = null,
): Session {
  const { exit } = facts;
  return create(SessionSchema, {
    id: facts.id,
    name: facts.name,
    kind: facts.kernel !== "" ? SessionKind.KERNEL : facts.kind === "pty" ? SessionKind.PTY : SessionKind.PIPES,
    ...(kernel ? { kernel: kernelOnWire(facts.kernel, kernel) } : {}),
    state: states[facts.state],
    pid: facts.pid,
    createdUnixMs: BigInt(facts.createdAt),
    operators: presence,
    floor,
    size: facts.size,
    sizePinned: facts.sizePinned,
    cwd,
    command: [...facts.command],
    group: facts.group,
    seq: BigInt(facts.seq),
    outputBytes: BigInt(facts.ends[0] + facts.ends[1] + facts.ends[2]),
    lastActivityUnixMs: BigInt(Math.trunc(facts.lastActivityAt)),
    incarnation: facts.incarnation,
    syncInput: facts.syncInput,
    openedBy: facts.openedBy,
    running: facts.running,
    parent,
    ...(exit
      ? {
          exit: {
            core: exit.core,
            userUs: BigInt(exit.userUs),
            systemUs: BigInt(exit.systemUs),
            maxRssKib: BigInt(exit.maxRssKib),
            atUnixMs: BigInt(Math.trunc(exit.at)),
            reason: exit.reason,
            ...(exit.code === null ? {} : { code: exit.code }),
            ...(exit.signal === null ? {} : { signal: exit.signal }),
          },
        }
      : {}),
  });
}
