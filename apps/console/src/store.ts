/** Values that views follow: React reads one by {@link useStore}. */
import { useCallback, useRef, useSyncExternalStore } from "react";
import type { Readable } from "./value.ts";

export { type Readable, Store } from "./value.ts";

export function useStore<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.follow, () => store.value);
}

/** Of all of them, which have to be the same list from one drawing to the next; the answer is another when one of them is. */
export function useStores<T>(stores: readonly Readable<T>[]): readonly T[] {
  const follow = useCallback(
    (changed: () => void) => {
      const stops = stores.map((store) => store.follow(changed));
      return () => {
        for (const stop of stops) stop();
      };
    },
    [stores],
  );
  const seen = useRef<readonly T[]>([]);
  return useSyncExternalStore(follow, () => {
    const now = stores.map(({ value }) => value);
    if (now.length !== seen.current.length || now.some((value, n) => value !== seen.current[n])) seen.current = now;
    return seen.current;
  });
}
