/** After the `}` that closes the `{` at `from`; null where none does. Strings as JSON has them. */
export function objectEnd(text: string, from: number): number | null {
  let depth = 0;
  let isString = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (isString) {
      if (c === "\\") i++;
      else if (c === '"') isString = false;
    } else if (c === '"') isString = true;
    else if (c === "{") depth++;
    else if (c === "}" && --depth === 0) return i + 1;
  }
  return null;
}
