/** On which line of a policy something stands that the host finds wrong. TOML's own faults say it; of others the host names the section and the key. */
export function lineOf(problem: string, text: string): number | null {
  const said = /^line (\d+),/.exec(problem);
  if (said) return Number(said[1]);
  const lines = text.split("\n");
  const place = /^(\[\[session\]\] number (\d+)|\[\w+\]|version|at the top)/.exec(problem);
  if (!place) return null;
  const isTop = place[1] === "version" || place[1] === "at the top";
  const header = place[2] ? "[[session]]" : place[1]!;
  let head = isTop ? 0 : nth(lines, (line) => bare(line) === header, Number(place[2] ?? 1));
  if (head < 0) return null;
  const rule = /command rule number (\d+)/.exec(problem);
  if (rule) {
    const name = place[2] ? "[[session.commands]]" : "[[ai.commands]]";
    const at = nth(lines.slice(head), (line) => bare(line) === name, Number(rule[1]));
    return at < 0 ? head + 1 : head + at + 1;
  }
  const key = isTop && place[1] === "version" ? "version" : keyIn(problem.slice(place[1]!.length));
  if (key === null) return head + 1;
  const section = lines.slice(isTop ? 0 : head + 1);
  const end = section.findIndex((line) => bare(line).startsWith("["));
  const at = (end < 0 ? section : section.slice(0, end)).findIndex(
    (line) =>
      line
        .trimStart()
        .replace(/^"|"(?=\s*=)/g, "")
        .split("=")[0]!
        .trim() === key,
  );
  if (!isTop) head++;
  return at < 0 ? (isTop ? 1 : head) : head + at + 1;
}

function keyIn(rest: string): string | null {
  return /there is no key "([^"]+)"/.exec(rest)?.[1] ?? /^:? ([\w.]+) is /.exec(rest)?.[1] ?? null;
}

const bare = (line: string): string => line.replace(/#.*$/, "").trim();

function nth(lines: readonly string[], is: (line: string) => boolean, n: number): number {
  let left = n;
  return lines.findIndex((line) => is(line) && --left === 0);
}
