/**
 * An address, or several with commas between, as it may be shown and kept: without user and password. A password may hold `/`, `@` and `,`
 * as somebody typed it, so of each scheme's `//` all up to the last `@` before the next one goes.
 */
export const withoutSecret = (url: string): string => url.replaceAll(/\/\/(?:(?!,\s*[a-z]+:\/\/).)*@/gis, "//");
