/**
 * The doubt about a line that somebody may have typed ahead (core/command C5), resolved by asking the terminal.
 *
 *   D1  It is over when the editor was seen twice in a row asleep with nothing left to read and nothing printed in between: an echo
 *       that was under way at the first look has been read at the second.
 *   D2  Nobody is asked unless somebody wants to know, and one asking serves all who do.
 */
import { command, MonotonicMs, type Offset } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import type { CommandWatch } from "./command-watch.ts";
import type { SessionPorts } from "./ports.ts";
import { askProbe, type Probed } from "./probe.ts";

/** How soon the terminal is asked again, and how long at most: an editor that never sleeps leaves the doubt as it is. */
const AGAIN_MS = 10;
const MOST_MS = 500;

export class Doubt {
  readonly #session: Probed & { readonly commands: CommandWatch };
  readonly #ports: Pick<SessionPorts, "clock" | "wakeAt">;
  #asking: Promise<void> | null = null;
  #gaveUpAt = -Infinity;

  constructor(session: Probed & { readonly commands: CommandWatch }, ports: Pick<SessionPorts, "clock" | "wakeAt">) {
    this.#session = session;
    this.#ports = ports;
  }

  /** There is one, and asking may end it. */
  get isOpen(): boolean {
    return this.#isDoubtful && this.#ports.clock.monoMs() >= this.#gaveUpAt + MOST_MS;
  }

  get #isDoubtful(): boolean {
    return !this.#session.isOver && command.isDoubtful(this.#session.commands.state);
  }

  /** Resolves when there is no doubt any more, or no way to end it. */
  settled(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const { clock, wakeAt } = this.#ports;
    const until = clock.monoMs() + MOST_MS;
    let quietAt: Offset | null = null;
    while (this.#isDoubtful && clock.monoMs() < until) {
      const isQuiet = await this.#isQuiet();
      if (isQuiet === null) break;
      const end = this.#session.commands.outputEnd;
      if (isQuiet && quietAt === end) return this.#session.commands.quiet();
      quietAt = isQuiet ? end : null;
      await new Promise<void>((resolve) => wakeAt(MonotonicMs(clock.monoMs() + AGAIN_MS), resolve));
    }
    if (this.#isDoubtful) this.#gaveUpAt = clock.monoMs();
  }

  /** Null if nobody answers. */
  async #isQuiet(): Promise<boolean | null> {
    try {
      const p = await askProbe(this.#session, this.#ports);
      const leader = p.processes.find((x) => x.pid === p.leaderPid);
      return p.kernelInputBytes === 0 && p.queuedInputBytes === 0 && leader?.state === "S";
    } catch (fault) {
      if (fault instanceof HoldError) return null;
      throw fault;
    }
  }
}
