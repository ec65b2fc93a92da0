/**
 * Changes one value of a TOML text and leaves every other byte as it is: a library that parses and prints would lose the comments.
 *   T1  Parsing the result gives the old table with this one key changed.
 */
export function tomlValue(value: string | number | boolean): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

/** `key` is dotted, one table deep (`attach.prefix`). */
export function setInToml(text: string, key: string, value: string | number | boolean): string {
  const dot = key.lastIndexOf(".");
  const [table, name] = [key.slice(0, dot), key.slice(dot + 1)];
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const setting = `${name} = ${tomlValue(value)}`;
  const isName = new RegExp(`^\\s*${name}\\s*=`);
  const isDotted = new RegExp(`^\\s*${table}\\s*\\.\\s*${name}\\s*=`);
  let current = "";
  const isOfTable = new RegExp(`^\\s*${table}\\s*\\.`);
  let lastOfTable = -1;
  let lastDotted = -1;
  for (const [i, line] of lines.entries()) {
    const head = /^\s*\[\s*([\w.-]+)\s*\]/.exec(line);
    if (head) current = head[1]!;
    if ((current === table && isName.test(line)) || (current === "" && isDotted.test(line))) {
      const comment = /\s#[^"']*$/.exec(line)?.[0] ?? "";
      lines[i] = (current === "" ? `${table}.${setting}` : setting) + comment;
      return `${lines.join("\n")}\n`;
    }
    if (current === table && line.trim() !== "") lastOfTable = i;
    if (current === "" && isOfTable.test(line)) lastDotted = i;
  }
  // A table begun with dotted keys can't be opened again by its head.
  if (lastDotted >= 0) lines.splice(lastDotted + 1, 0, `${table}.${setting}`);
  else if (lastOfTable >= 0) lines.splice(lastOfTable + 1, 0, setting);
  else lines.push(...(lines.length > 0 ? [""] : []), `[${table}]`, setting);
  return `${lines.join("\n")}\n`;
}
