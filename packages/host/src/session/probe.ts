/** Asking a shim what the terminal and /proc say now. */
import { MonotonicMs } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { ShimLink, ShimProbe } from "@holdfast/shim";
import type { SessionPorts } from "./ports.ts";

const PROBE_MS = 2_000;

export interface Probed {
  readonly id: string;
  readonly isOver: boolean;
  readonly shimLink: ShimLink | null;
  onProbe: ((p: ShimProbe) => void) | null;
}

let lastToken = 0;
const probes = new Map<number, (p: ShimProbe) => void>();

export function askProbe(session: Probed, ports: Pick<SessionPorts, "clock" | "wakeAt">): Promise<ShimProbe> {
  const shim = session.shimLink;
  if (!shim || session.isOver) return Promise.reject(new HoldError("session_ended", `session ${session.id} has ended`));
  return new Promise((resolve, reject) => {
    const token = (lastToken = (lastToken + 1) % 0x7fff_ffff);
    const late = ports.wakeAt(MonotonicMs(ports.clock.monoMs() + PROBE_MS), () => {
      probes.delete(token);
      reject(new HoldError("timed_out", `the shim of session ${session.id} does not answer`));
    });
    probes.set(token, (p) => {
      probes.delete(token);
      late();
      resolve(p);
    });
    session.onProbe = (p) => probes.get(p.token)?.(p);
    shim.probe(token);
  });
}
