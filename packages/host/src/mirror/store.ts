/** What a mirror asks of who keeps it: objects by name, and one of them that is replaced only by who has read it. */
export interface ObjectStore {
  /** Of the objects whose names begin so; none twice. */
  list(prefix: string): Promise<ReadonlySet<string>>;
  /** Null: there is none. One whose bytes are not what was written, or not there: something that nothing opens. */
  get(name: string): Promise<StoredObject | null>;
  /** Resolves when it is kept, and was read back as it was written. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** Replaces the object that has `revision`, 0: that there is none. Throws {@link Overtaken} where that is not so. */
  replace(name: string, bytes: Uint8Array, revision: number): Promise<number>;
  delete(name: string): Promise<void>;
  /** Erases what puts and deletes that were killed have left of objects whose names begin so. Nobody writes any of those meanwhile. */
  tidy(prefix: string): Promise<void>;
  close(): Promise<void>;
}

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly revision: number;
}

export class Overtaken extends Error {}
