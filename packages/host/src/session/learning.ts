/**
 * Where the sessions of a host learn what is secret in them (secrets.ts): from the environments that their programs have, and, where those
 * are nowhere any more, from one another's.
 */
import { Secrets } from "./secrets.ts";
import type { LiveSession } from "./session.ts";

/** What this asks of the host. */
export interface LearningWorld {
  readonly sessions: ReadonlyMap<string, LiveSession>;
  /** Of the policy in force: which variables are secret. */
  secretNames(): readonly string[];
  /** Where the session's shell tells its environment. */
  environmentPath(session: string): string;
}

export class Learning {
  readonly #world: LearningWorld;

  constructor(world: LearningWorld) {
    this.#world = world;
  }

  begin(session: LiveSession): void {
    session.secrets.names = () => this.#world.secretNames();
    // The shell has told its environment before it reads a command, and before one that it has read can print.
    session.commands.listen(({ kind }) => {
      if (kind === "ready" || kind === "start") session.secrets.learnFile(this.#world.environmentPath(session.id));
    });
  }

  /** From its programs as they are. */
  learn(session: LiveSession): void {
    session.secrets.learnFile(`/proc/${session.facts.pid}/environ`);
    session.secrets.learnFile(this.#world.environmentPath(session.id));
  }

  /** Another policy is in force: it may name other variables. */
  learnAll(): void {
    for (const session of this.#world.sessions.values()) if (!session.isOver) this.learn(session);
  }

  /** What one that ended under a host before this one, or was shed, ran with is nowhere any more: what others of the same user have is likely. */
  guess(sessions: readonly LiveSession[]): void {
    const likely = new Secrets();
    likely.names = () => this.#world.secretNames();
    likely.learnFile("/proc/self/environ");
    for (const { secrets } of this.#world.sessions.values()) likely.learnFrom(secrets);
    for (const { secrets } of sessions) secrets.learnFrom(likely);
  }
}
