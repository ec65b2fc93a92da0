/**
 * How a kernel is interrupted, so that an interrupt never ends a session unasked. Which kernels keep their state under SIGINT was
 * tried for each (docs/kernel-bridge.md §5); of one that nobody has tried nothing is believed.
 */
export interface InterruptPlan {
  readonly way: "signal" | "message";
  readonly isSafe: boolean;
  /** Shown with `may_end_kernel`, or where a success means little. */
  readonly detail: string;
}

export interface KernelTraits {
  readonly interruptMode: "signal" | "message";
  /** `implementation` of its kernel_info; empty before it is ready. */
  readonly implementation: string;
  readonly argv: readonly string[];
}

const KEEPS_STATE = new Set(["ipython", "irkernel", "tslab"]);
const ENDS: Readonly<Record<string, string>> = {
  "xeus-python": "xeus-python exits on SIGINT",
  xpython: "xeus-python exits on SIGINT",
  "deno kernel": "Deno's kernel is killed by SIGINT",
  deno: "Deno's kernel is killed by SIGINT",
};

export function interruptPlan(traits: KernelTraits, asked?: "signal" | "message"): InterruptPlan {
  const way = asked ?? traits.interruptMode;
  if (way === "message") return { way, isSafe: true, detail: "" };
  const name = traits.implementation.toLowerCase() || (isIpykernel(traits.argv) ? "ipython" : "");
  if (KEEPS_STATE.has(name)) return { way, isSafe: true, detail: "" };
  const known = ENDS[name];
  return { way, isSafe: false, detail: known ?? `nobody has tried whether ${name || "this kernel"} survives SIGINT` };
}

export const isIpykernel = (argv: readonly string[]): boolean => argv.some((part) => /^ipykernel(_launcher)?$/.test(part));
