/** What a cell leaves for those after it: its stdout as `$__`, and under its name where that is one of a variable. */

/** Of a variable, its name and `=` included: Linux takes no longer string in an environment. */
const MAX_BYTES = 131_072 - 128;
const variable = /^[A-Z_][A-Z0-9_]{1}[A-Z0-9_]*[A-Z][A-Z0-9_]*$/;

/** Whether a cell of this name exports its output: capitals, digits and `_`, at least three. */
export const isExported = (name: string): boolean => variable.test(name);

/** The variables that a cell's stdout sets. Without NUL; of more than 130,944 bytes the end. */
export function exportsOf(name: string, stdout: string): Readonly<Record<string, string>> {
  const cut = (variableName: string): string => tailOf(stdout.replaceAll("\0", ""), MAX_BYTES - variableName.length - 1);
  return { __: cut("__"), ...(isExported(name) ? { [name]: cut(name) } : {}) };
}

function tailOf(text: string, maxBytes: number): string {
  let bytes = 0;
  let at = text.length;
  while (at > 0) {
    const code = text.charCodeAt(at - 1);
    const isPair = code >= 0xdc00 && code <= 0xdfff && at > 1;
    const width = isPair ? 4 : code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
    if (bytes + width > maxBytes) break;
    bytes += width;
    at -= isPair ? 2 : 1;
  }
  return text.slice(at);
}
