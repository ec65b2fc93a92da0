/**
 * When a relay that could not be had is dialled again. A fault that is over within ten seconds is outlived by less than two; and nobody dials a relay
 * that is away more than ten times a minute.
 *
 *   P1  One that turns callers away (its machine is there, it is not): {@link TURNED_AWAY_MS}, then every 14.5 to 17 s. No two at a known moment.
 *   P2  One that answers nothing: an attempt is {@link SILENT_MS} long, in which TCP itself knocks once a second, and the next follows it at once.
 *   P3  Where this machine has no network, no packet leaves it: it is tried once or twice a second, and that counts for nothing.
 */

/** P1: at most; half of it is certain. */
const TURNED_AWAY_MS = [250, 500, 1_000, 2_000, 2_000, 2_000];
const AWAY_MS = { least: 14_500, most: 17_000 } as const;
/** P2. */
export const SILENT_MS = 6_000;
/** P3. */
const NO_NETWORK_MS = { least: 500, most: 1_000 } as const;

export class Pace {
  #failures = 0;

  /** How long to wait; `tookMs`: what the attempt that failed took. `chance`: from 0 to 1. */
  failed(fault: unknown, tookMs: number, chance: number): number {
    const between = ({ least, most }: { readonly least: number; readonly most: number }): number =>
      Math.round(least + (most - least) * chance);
    if (hasNoNetwork(fault)) return between(NO_NETWORK_MS);
    const most = TURNED_AWAY_MS[this.#failures++];
    return tookMs >= SILENT_MS ? 0 : between(most === undefined ? AWAY_MS : { least: most / 2, most });
  }

  /** There is a line. */
  stood(): void {
    this.#failures = 0;
  }
}

/** What the kernel says where a packet would not have left this machine or its neighbourhood. */
const NO_NETWORK: ReadonlySet<string> = new Set([
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
]);

export function hasNoNetwork(fault: unknown): boolean {
  for (let one = fault; one instanceof Error; one = one.cause) {
    if (NO_NETWORK.has((one as NodeJS.ErrnoException).code ?? "")) return true;
    if (one instanceof AggregateError && one.errors.some(hasNoNetwork)) return true;
  }
  return false;
}
