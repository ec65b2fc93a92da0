/**
 * What was zeroed in place and is not known to be on the device, by file. A sync that failed may have dropped it (J5), and nothing but zeros takes its place:
 * it is zeroed again, and that is synced.
 */
export class Zeros<File, Place> {
  readonly #open = new Map<File, Place[]>();

  add(file: File, place: Place): void {
    const places = this.#open.get(file);
    if (places) places.push(place);
    else this.#open.set(file, [place]);
  }

  /** A sync of `file`: what was zeroed before it began is on the device if it succeeds. */
  async whenSynced(file: File, sync: () => Promise<void>): Promise<void> {
    const before = this.#open.get(file)?.length ?? 0;
    await sync();
    this.#settle(file, before);
  }

  whenSyncedNow(file: File, sync: () => void): void {
    sync();
    this.forget(file);
  }

  #settle(file: File, count: number): void {
    const left = this.#open.get(file)?.slice(count) ?? [];
    if (left.length === 0) this.forget(file);
    else this.#open.set(file, left);
  }

  /** It is gone, or all of it is on the device. */
  forget(file: File): void {
    this.#open.delete(file);
  }

  all(): [File, readonly Place[]][] {
    return [...this.#open];
  }
}
