/** `*` and `?` alone mean something; at most text times pattern, whatever they are. */
export function isLike(pattern: string, text: string): boolean {
  let at = 0;
  /** The last `*`, and up to where in the text it stands for something. */
  let star = -1;
  let taken = 0;
  for (let read = 0; read < text.length; ) {
    if (pattern[at] === "*") {
      star = at++;
      taken = read;
    } else if (pattern[at] === "?" || pattern[at] === text[read]) {
      at++;
      read++;
    } else if (star >= 0) {
      at = star + 1;
      read = ++taken;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
