/** Paths with parts that are left open: `/sessions/{host}/{session}`. Pure. */

/** Segments that a template leaves open, none of them empty; null where it does not fit. */
export function paramsIn(wanted: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (wanted.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, want] of wanted.entries()) {
    const name = /^\{(\w+)\}$/.exec(want)?.[1];
    if (name === undefined) {
      if (segments[i] !== want) return null;
      continue;
    }
    try {
      params[name] = decodeURIComponent(segments[i]!);
    } catch {
      return null;
    }
    if (params[name] === "") return null;
  }
  return params;
}
