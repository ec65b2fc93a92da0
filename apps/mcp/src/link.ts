/**
 * The way to the host: one client, made anew when its link is gone.
 *   L1  What only reads is asked again on a new link, once; what changes something is not, since it may have happened.
 *   L2  A client that is left is closed when the last call that has it is over: one that takes long goes on over its lost link (sdk, lasting.ts).
 */
import type { HostClient } from "@holdfast/sdk";

export class HostWay {
  readonly #connect: () => Promise<HostClient>;
  #client: Promise<HostClient> | null = null;
  /** L2: calls that have each. */
  readonly #calls = new Map<Promise<HostClient>, number>();

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
    const { client } = await this.#living();
    this.#calls.set(client, (this.#calls.get(client) ?? 0) + 1);
    try {
      return await ask(await client);
    } finally {
      this.#leave(client);
      if ((await client).isOver) this.#forget(client);
    }
  }

  /** L2. */
  #leave(made: Promise<HostClient>): void {
    const left = this.#calls.get(made)! - 1;
    if (left > 0) return void this.#calls.set(made, left);
    this.#calls.delete(made);
    if (this.#client !== made) close(made);
  }

  /** A link that died while nobody asked is found before anything is sent over it. */
  async #living(): Promise<{ readonly client: Promise<HostClient> }> {
    const client = this.client();
    if (!(await client).isOver) return { client };
    this.#forget(client);
    return { client: this.client() };
  }

  close(): void {
    if (this.#client) close(this.#client);
    this.#client = null;
  }

  #forget(made: Promise<HostClient>): void {
    if (this.#client !== made) return;
    this.#client = null;
    if (!this.#calls.has(made)) close(made);
  }
}

function close(made: Promise<HostClient>): void {
  made.then(
    (client) => client.close(),
    () => {},
  );
}
