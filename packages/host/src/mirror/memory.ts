/** What a home remembers of its heads (copier K3), of each place that it was mirrored to. */
import { existsSync, readFileSync } from "node:fs";
import { storeDurablyLater } from "../operator/store.ts";
import type { Memory } from "./copier.ts";
import type { MirrorAddress } from "./nats-store.ts";

/** Places, those used last: of one that is forgotten the mirror is another's, until it is taken over. */
const MOST = 64;

type Place = Pick<MirrorAddress, "url" | "bucket">;

export class Memories {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Of that place; where it is a new one, of the one with such a bucket that was used last: it may be the same by another name, which the mark of its head
   * tells. Null: none.
   */
  of(place: Place): Memory | null {
    const all = this.#all();
    const others = Object.entries(all).filter(([key]) => key.endsWith(` ${place.bucket}`));
    return all[keyOf(place)] ?? others.at(-1)?.[1] ?? null;
  }

  /** Not twice at once. */
  async keep(place: Place, memory: Memory): Promise<void> {
    const { [keyOf(place)]: _, ...others } = this.#all();
    await storeDurablyLater(this.#path, Object.fromEntries([...Object.entries(others).slice(1 - MOST), [keyOf(place), memory]]));
  }

  #all(): Record<string, Memory> {
    if (!existsSync(this.#path)) return {};
    try {
      const all = JSON.parse(readFileSync(this.#path, "utf8")) as Record<string, Memory>;
      return Object.fromEntries(Object.entries(all).filter(([, of]) => typeof of === "object" && typeof of?.mark === "string"));
    } catch {
      // Then what is there is another's, and who asks for it takes it over.
      return {};
    }
  }
}

/** Whoever asks there, and with whatever password. */
const keyOf = ({ url, bucket }: Place): string => `${url.replaceAll(/\/\/[^@/]*@/g, "//")} ${bucket}`;
