/**
 * The places that this browser's pages have at sessions: kept so that a page that was ended, by a phone or by hand, comes back as the attachment that it was (ADR 181).
 *   P1  One page has a place: as long as it lives it holds the place's lock, which the browser takes back from a page that is closed, killed or discarded.
 *   P2  A page takes up the newest place of its session that nobody holds; else it begins one. A page that was duplicated finds its place held, and begins its own.
 *   P3  What was kept goes with its attachment, with its host, and, once no page holds it, after {@link MOST_MS}.
 */
const PREFIX = "holdfast.place.";
/** The longest grace that a session may have. */
const MOST_MS = 24 * 3_600_000;

export interface Place {
  /** What was kept by the page before; undefined: this is a new place. */
  readonly kept: string | undefined;
  /** Null: nothing any more. */
  keep(kept: string | null): void;
  /** Lets go of it: the next page may take it up. */
  release(): void;
  /** Nobody comes back to it: keeps nothing any more, and lets go. */
  leave(): void;
}

interface Entry {
  readonly key: string;
  readonly atUnixMs: number;
  readonly kept: string;
}

/** P2. Where a browser keeps nothing it is a new place each time. */
export async function placeAt(host: string, session: string): Promise<Place> {
  const here = `${PREFIX}${host}.${session}.`;
  await forgetOld();
  for (const { key } of entries(here)) {
    const release = await locked(key);
    if (!release) continue;
    // Whoever held it a moment ago may have left, or have been told more.
    const entry = read(key);
    if (entry) return placeOf(key, release, entry.kept);
    release();
  }
  const key = here + crypto.randomUUID();
  return placeOf(key, (await locked(key)) ?? (() => {}), undefined);
}

/** P3. */
export function forgetPlaces(host: string): void {
  for (const { key } of entries(`${PREFIX}${host}.`)) localStorage.removeItem(key);
}

/** P3. */
async function forgetOld(): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  const isHeld = new Set(held.map(({ name }) => name));
  for (const { key, atUnixMs } of entries(PREFIX))
    if (!isHeld.has(key) && Date.now() - atUnixMs > MOST_MS) localStorage.removeItem(key);
}

function placeOf(key: string, release: () => void, kept: string | undefined): Place {
  let isOver = false;
  const keep = (next: string | null): void => {
    if (isOver) return;
    try {
      if (next !== null) return localStorage.setItem(key, JSON.stringify({ atUnixMs: Date.now(), kept: next }));
    } catch {
      // No room: what stands there is not of now any more.
    }
    localStorage.removeItem(key);
  };
  // The last that a page hears before it is ended: its grace begins now, however long ago anything was typed.
  const seen = (): void => {
    const entry = read(key);
    if (entry) keep(entry.kept);
  };
  document.addEventListener("visibilitychange", seen);
  const letGo = (): void => {
    isOver = true;
    document.removeEventListener("visibilitychange", seen);
    release();
  };
  const leave = (): void => {
    keep(null);
    letGo();
  };
  return { kept, keep, release: letGo, leave };
}

/** Newest first; what is none is removed. */
function entries(prefix: string): readonly Entry[] {
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
  const found = keys.flatMap((key) => {
    const entry = read(key);
    if (entry) return [{ ...entry, key }];
    localStorage.removeItem(key);
    return [];
  });
  return found.toSorted((a, b) => b.atUnixMs - a.atUnixMs);
}

function read(key: string): Omit<Entry, "key"> | null {
  try {
    const { atUnixMs, kept } = JSON.parse(localStorage.getItem(key) ?? "") as Entry;
    return typeof atUnixMs === "number" && typeof kept === "string" ? { atUnixMs, kept } : null;
  } catch {
    return null;
  }
}

/** P1: lets go of it; null: another page has it. */
function locked(key: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(key, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(reject);
  });
}
