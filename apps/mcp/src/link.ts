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
      if ((fault as { code?: unknown }).code !== "unreachable") throw fault;
      return this.change(ask);
    }
  }

  async change<T>(ask: (client: HostClient) => Promise<T>): Promise<T> {
    const made = await this.#living();
    try {
      return await ask(await made.client);
    } finally {
      if ((await made.client).isOver) this.#forget(made.client);
    }
  }

  /** A link that died while nobody asked is found before anything is sent over it. */
  async #living(): Promise<{ readonly client: Promise<HostClient> }> {
    const client = this.client();
    if (!(await client).isOver) return { client };
    this.#forget(client);
    return { client: this.client() };
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
