/** How a kernel session is started: the bridge's command line, what is told of a kernel that can't be started, and which there are. */
import type { BridgeWord } from "@holdfast/kernel";
import { type KernelFound, type KernelsFound, findKernels, kernelFolders, kernelNamed } from "@holdfast/kernel/spec";
import { HoldError, textOf } from "@holdfast/protocol";
import type { LiveSession } from "../session/session.ts";

/** How long opening waits for the kernel's process. It waits for no kernel to become ready: what is asked meanwhile waits. */
const START_MS = 20_000;

/** docs/kernel-bridge.md §1: its collector is asked for, and its allocator kept small; its kernel has neither. */
const NODE_FLAGS = ["--expose-gc", "--max-semi-space-size=1"];
const BRIDGE_ENV = [
  "MALLOC_ARENA_MAX=2",
  "MALLOC_MMAP_THRESHOLD_=65536",
  "HOLDFAST_BRIDGE_ONLY=MALLOC_ARENA_MAX,MALLOC_MMAP_THRESHOLD_,NODE_OPTIONS",
];

/** Where this host has what it starts kernels with. */
export interface KernelPlace {
  /** Absolute path of the bridge's program. */
  readonly bridge: string;
  /** Node's. */
  readonly node: string;
  /** Of one session: absolute, and short enough for a socket. */
  folder(session: string): string;
}

/** `env`: K=V, of who opens it. */
export function bridgeCommand(
  { bridge, node, folder }: KernelPlace,
  session: string,
  kernel: string,
  env: readonly string[],
): { readonly argv: string[]; readonly env: string[] } {
  return {
    argv: [node, ...NODE_FLAGS, bridge, "--kernel", kernel, "--folder", folder(session)],
    env: [...env.filter((kv) => !kv.startsWith("NODE_OPTIONS=")), ...BRIDGE_ENV],
  };
}

/** What Jupyter would find in this environment (K=V). */
export function kernelsFor(env: readonly string[]): Promise<KernelsFound> {
  const entries = env.map((kv) => [kv.slice(0, kv.indexOf("=")), kv.slice(kv.indexOf("=") + 1)] as const);
  return findKernels(kernelFolders(Object.fromEntries(entries)));
}

/** Throws `no_such_kernel`, with what there is. */
export async function kernelFor(env: readonly string[], name: string): Promise<KernelFound> {
  const found = await kernelsFor(env);
  const looked = kernelNamed(found, name);
  if (looked.ok) return looked.kernel;
  const message = looked.message.replace(/^\[\w+\] /, "");
  const hint =
    looked.code === "no_such_kernel" && found.kernels.length === 0
      ? "; Python's comes with: pip install ipykernel, or apt install python3-ipykernel"
      : "; hold kernel ls shows them";
  throw new HoldError("no_such_kernel", `${message}${hint}`);
}

/** Resolves when the kernel's process is there; throws `start_failed` with what it, or its bridge, has said. */
export function kernelStarted(session: LiveSession, wakeIn: (ms: number, run: () => void) => () => void): Promise<void> {
  const room = session.kernel!;
  return new Promise((resolve, reject) => {
    let failed: Extract<BridgeWord, { word: "failed" }> | null = null;
    const stops = [
      room.listen((event) => {
        if (event.kind === "bridge" && event.word.word === "failed") failed = event.word;
        look();
      }),
      session.listen(() => look()),
      wakeIn(START_MS, () => finish(resolve)),
    ];
    const finish = (then: () => void): void => {
      for (const stop of stops) stop();
      then();
    };
    const look = (): void => {
      if (room.state.pid !== null) return finish(resolve);
      if (!session.isOver && room.state.phase !== "dead") return;
      finish(() => reject(startFault(session, failed?.detail ?? "")));
    };
    look();
  });
}

function startFault(session: LiveSession, detail: string): HoldError {
  const { id, facts } = session;
  const why = detail || lastWords(session) || facts.exit?.reason || "its bridge ended";
  return new HoldError("start_failed", `session ${id}: the kernel ${facts.kernel} could not be started: ${why}`, { session: id });
}

/** What the bridge has said on its standard error. */
function lastWords(session: LiveSession): string {
  const said = session
    .read(0, 256 * 1024)
    .flatMap((item) => ("gap" in item || item.body?.case !== "output" || item.entry.stream !== 2 ? [] : [item.entry.payload]));
  return textOf(Buffer.concat(said))
    .trim()
    .slice(-2_000)
    .replace(/^\[\w+\] /, "");
}
