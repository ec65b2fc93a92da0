/**
 * Who was turned away, and who asked for what they may not do: lines of the host's log, for whoever looks after the host.
 *
 *   D1  Each kind is told once a minute, and of the others how many there were: nobody fills a disk by knocking.
 *   D2  What is told has no word of whoever is refused: names are those of operators that this host has.
 *   D3  Not in the record: that is of what was done, is kept for months, and strangers would write in it.
 */
import type { SessionPorts } from "../session/ports.ts";

const TELL_MS = 60_000;
/** Kinds that are remembered: of more, those told longest ago are forgotten. */
const MAX_KINDS = 256;

export class Refusals {
  readonly #ports: Pick<SessionPorts, "clock" | "log">;
  readonly #kinds = new Map<string, { readonly toldMs: number; more: number }>();

  constructor(ports: Pick<SessionPorts, "clock" | "log">) {
    this.#ports = ports;
  }

  tell(kind: string): void {
    const nowMs = this.#ports.clock.monoMs();
    const known = this.#kinds.get(kind);
    if (known && nowMs - known.toldMs < TELL_MS) return void known.more++;
    this.#ports.log(`refused: ${kind}${known?.more ? `; ${known.more} times more before this one` : ""}`);
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { toldMs: nowMs, more: 0 });
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size > MAX_KINDS) this.#kinds.delete(oldest!);
  }
}
