/** Where of a secret something is left: files of a world, and arguments and environments of its processes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ofFolder, read } from "./processes.ts";
import type { World } from "./world.ts";

/** As text, or as bytes in any form that bytes are written in. */
export type Secrets = Readonly<Record<string, string | Uint8Array>>;

function formsOf(secret: string | Uint8Array): string[] {
  if (typeof secret === "string") return [secret];
  const bytes = Buffer.from(secret);
  return (["latin1", "hex", "base64", "base64url"] as const).map((form) => bytes.toString(form).replace(/=+$/, ""));
}

/** Which secret is where, a line each. */
export function tracesOf(w: World, secrets: Secrets): string[] {
  const places = new Map<string, string>();
  for (const entry of readdirSync(w.place, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) places.set(path.slice(w.place.length + 1), readFileSync(path, "latin1"));
  }
  for (const pid of ofFolder(w.place))
    for (const part of ["cmdline", "environ"]) places.set(`${part} of ${pid}`, read(pid, part));
  return Object.entries(secrets).flatMap(([name, secret]) =>
    [...places].flatMap(([place, text]) => (formsOf(secret).some((form) => text.includes(form)) ? [`${name} in ${place}`] : [])),
  );
}
