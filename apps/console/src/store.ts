/** Values that views follow: React reads one by {@link useStore}. */
import { useSyncExternalStore } from "react";
import type { Readable } from "./value.ts";

export { type Readable, Store } from "./value.ts";

export function useStore<T>(store: Readable<T>): T {
  return useSyncExternalStore(store.follow, () => store.value);
}
