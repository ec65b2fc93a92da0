/**
 * The shims of a host's sessions: linking to one that runs, and going on watching it. How one is started: open.ts.
 */
import { existsSync } from "node:fs";
import { MonotonicMs } from "@holdfast/core";
import { HoldError, SessionState } from "@holdfast/protocol";
import { type Opener, started } from "./open.ts";
import type { SessionPorts } from "./ports.ts";
import type { LiveSession } from "./session.ts";

/** How often, and after how long, a shim is tried again that did not welcome us and is not known to be gone: five minutes. */
const LINK_ATTEMPTS = 300;
const LINK_WAIT_MS = 1_000;
/** Connecting fails like this where no shim is. */
const GONE = /\bE(CONNREFUSED|NOENT|NOTDIR|NOTSOCK|PROTOTYPE|LOOP|NAMETOOLONG)\b/;

export class ShimWatch {
  readonly #ports: Pick<SessionPorts, "clock" | "wakeAt" | "log">;
  readonly #opener: Pick<Opener, "bootId" | "hasShim">;
  readonly #onFenced: () => void;

  /** `onFenced`: a newer host has taken a session, and with it all. */
  constructor(
    ports: Pick<SessionPorts, "clock" | "wakeAt" | "log">,
    opener: Pick<Opener, "bootId" | "hasShim">,
    onFenced: () => void,
  ) {
    this.#ports = ports;
    this.#opener = opener;
    this.#onFenced = onFenced;
  }

  /** Of a session that had not ended: whether it lives. One whose machine has restarted since is lost. */
  async takeUp(session: LiveSession): Promise<boolean> {
    const { facts } = session;
    if (facts.bootId !== "" && facts.bootId !== this.#opener.bootId) {
      session.ended(SessionState.LOST, "reboot: the machine restarted, and processes do not survive that");
      return false;
    }
    const linking = this.#link(session);
    try {
      // One shim that can't be linked to yet keeps the host from serving no other.
      await Promise.race([
        linking,
        new Promise<void>((resolve) => this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + LINK_WAIT_MS), resolve)),
      ]);
      linking.catch((fault: unknown) => this.#lost(session, fault));
      return true;
    } catch (fault) {
      this.#lost(session, fault);
      return false;
    }
  }

  #lost(session: LiveSession, fault: unknown): void {
    const opening = session.facts.state === "opening";
    session.ended(
      opening ? SessionState.FAILED : SessionState.LOST,
      opening
        ? "the host died before the program was started"
        : `shim: ${fault instanceof Error ? fault.message : String(fault)}`,
    );
  }

  /** A session that has ended may have children that print yet, or a shim that was never let go of: both are in the shim. */
  followUp(session: LiveSession): void {
    const { state, bootId, socketPath } = session.facts;
    if (state !== "ended" || bootId !== this.#opener.bootId || !(this.#opener.hasShim ?? existsSync)(socketPath)) return;
    started(session, this.#opener.bootId)
      .then(() => this.watch(session))
      .catch((fault: unknown) => this.#ports.log(`session ${session.id} has ended, and its shim is gone: ${String(fault)}`));
  }

  /** A shim that dies takes its session with it, and that alone; a newer host takes all. */
  watch(session: LiveSession): void {
    session.onShimEnd = (reason, detail) => {
      if (reason === "fenced") {
        this.#ports.log(`another host has taken session ${session.id}: this one leaves`);
        this.#onFenced();
        return;
      }
      this.#link(session).catch(() => session.ended(SessionState.LOST, `the shim died (${detail || reason})`));
    };
  }

  /**
   * Links to a shim and goes on watching it. Only a socket that is gone, or that nobody listens on, says that the shim is:
   * anything else is tried again. No descriptor may be free; and a shim that was kept from running, or a host that was, finds
   * the links of dead hosts in a new one's place, or its HELLO five seconds late, and closes a link that it would have taken.
   */
  async #link(session: LiveSession): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await started(session, this.#opener.bootId, () => this.watch(session));
        return this.watch(session);
      } catch (fault) {
        const { reason, detail } = fault instanceof HoldError ? fault.details : {};
        const why = detail ?? String(fault);
        const isUndecided = reason === undefined ? /\bE(MFILE|NFILE)\b/.test(why) : reason === "gone" && !GONE.test(why);
        if (attempt >= LINK_ATTEMPTS || !isUndecided) throw fault;
        this.#ports.log(`session ${session.id}: its shim can't be linked to yet: ${why}`);
        await new Promise<void>(
          (resolve) => void this.#ports.wakeAt(MonotonicMs(this.#ports.clock.monoMs() + LINK_WAIT_MS), resolve),
        );
      }
    }
  }
}
