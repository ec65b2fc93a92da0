/**
 * What a cell without a name is called: its first line that is no comment, cut at `=`, 32 characters at most, first two
 * words, lower case, letters and digits alone with a `-` between; `cell` where that leaves nothing. A name that is taken gets `-2`,
 * `-3` and so on, written ones too.
 */
export function nameFrom(line: string): string {
  const cut = line.indexOf("=");
  const [first = "", second] = (cut > 0 ? line.slice(0, cut) : line).slice(0, 32).split(" ");
  const words = [first, second ?? ""].map((word) => word.toLowerCase().replace(/[^a-z0-9]/g, ""));
  const joined = second === undefined ? words[0] : words.join("-");
  return joined?.replace(/^-+/, "") || "cell";
}

/** Gives each name once. */
export function namer(): (wanted: string) => string {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  return (wanted) => {
    let name = wanted;
    let count = counts.get(wanted) ?? 0;
    do name = ++count === 1 ? wanted : `${wanted}-${count}`;
    while (taken.has(name));
    counts.set(wanted, count);
    taken.add(name);
    return name;
  };
}
