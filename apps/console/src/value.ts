/** One value that others follow. What changes it is no part of a view. */

export interface Readable<T> {
  readonly value: T;
  follow(changed: () => void): () => void;
}

export class Store<T> implements Readable<T> {
  #value: T;
  readonly #followers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const changed of this.#followers) changed();
  }

  readonly follow = (changed: () => void): (() => void) => {
    this.#followers.add(changed);
    return () => void this.#followers.delete(changed);
  };
}
