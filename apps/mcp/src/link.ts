/**
 * The way to the host: one client, made anew when its link is gone.
 *   L1  What only reads is asked again on a new link, once; what changes something is not, since it may have happened.
 */
import type { HostClient } from "@holdfast/sdk";

export class HostWay {
  readonly #connect: () => Promise<HostClient>;
  #client: Promise<HostClient> | null = null;

  constructor(connect: () => Promise<HostClient>) {
    this.#connect = connect;
  }

  client(): Promise<HostClient> {
    if (this.#client) return this.#client;
    const made = this.#connect();
    this.#client = made;
    made.catch(() => this.#forget(made));
    return made;
  }

  async read<T>(ask: (client: HostClient) => Promise<T>): Promise<T> {
    try {
      return await this.change(ask);
    } catch (fault) {
      if (!isGone(fault)) throw fault;
      return this.change(ask);
    }
  }

  async change<T>(ask: (client: HostClient) => Promise<T>): Promise<T> {
    const made = this.client();
    try {
      return await ask(await made);
    } catch (fault) {
      if (isGone(fault)) this.#forget(made);
      throw fault;
    }
  }

  close(): void {
    void this.#client?.then(
      (client) => client.close(),
      () => {},
    );
    this.#client = null;
  }

  #forget(made: Promise<HostClient>): void {
    if (this.#client !== made) return;
    this.#client = null;
    made.then(
      (client) => client.close(),
      () => {},
    );
  }
}

function isGone(fault: unknown): boolean {
  const { code } = fault as { code?: unknown };
  return code === "unreachable" || code === "draining";
}
