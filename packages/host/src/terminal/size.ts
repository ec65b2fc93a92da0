/** Sizes that a terminal may have. Enough for any monitor; beyond it a resize is hostile. */
export const SIZE_LIMITS = { cols: { min: 1, max: 1000 }, rows: { min: 1, max: 500 } } as const;

export function isSizeAllowed(cols: number, rows: number): boolean {
  return (
    Number.isInteger(cols) &&
    Number.isInteger(rows) &&
    cols >= SIZE_LIMITS.cols.min &&
    cols <= SIZE_LIMITS.cols.max &&
    rows >= SIZE_LIMITS.rows.min &&
    rows <= SIZE_LIMITS.rows.max
  );
}
