/**
 * Hosts by their ids, and by their names, which one of each fleet may have: a knock looks at those that it may mean, and not at all that there are.
 * In the order in which they were put there.
 */
import type { BookedHost } from "./book.ts";

export class Roll<E extends { readonly line: { readonly host: BookedHost } }> {
  readonly #byId = new Map<string, E>();
  readonly #byName = new Map<string, Set<string>>();

  get size(): number {
    return this.#byId.size;
  }

  get entries(): Iterable<E> {
    return this.#byId.values();
  }

  get(id: string): E | undefined {
    return this.#byId.get(id);
  }

  /** In place of the one of that host, whatever it was called. */
  set(entry: E): void {
    const { id, name } = entry.line.host;
    this.#unname(id);
    this.#byId.set(id, entry);
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(id));
  }

  delete(id: string): void {
    this.#unname(id);
    this.#byId.delete(id);
  }

  /** By id or by name. */
  called(asked: string): E[] {
    const ids = new Set([asked, ...(this.#byName.get(asked) ?? [])]);
    return [...ids].flatMap((id) => this.#byId.get(id) ?? []);
  }

  #unname(id: string): void {
    const name = this.#byId.get(id)?.line.host.name;
    if (name === undefined) return;
    const ids = this.#byName.get(name);
    ids?.delete(id);
    if (ids?.size === 0) this.#byName.delete(name);
  }
}
