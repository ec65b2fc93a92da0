/** What a session inherits from who opens it, unless told otherwise: of this process, or of a bridge at the far end (Welcome.surroundings). */
import { bytesOf, type Init, type Surroundings as OnWire, textOf } from "@holdfast/protocol";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly shell: string;
  readonly umask: number;
  /** -1: unlimited. */
  readonly nofile: { readonly soft: number; readonly hard: number } | null;
}

/** As the wire has a session's environment: K=V, byte for byte. */
export function envOnWire(env: Surroundings["env"]): Uint8Array[] {
  return Object.entries(env).flatMap(([k, v]) => (v === undefined ? [] : [bytesOf(`${k}=${v}`)]));
}

export function surroundingsOnWire(s: Surroundings): Init<OnWire> {
  return {
    env: envOnWire(s.env),
    cwd: bytesOf(s.cwd),
    shell: s.shell,
    umask: s.umask,
    nofileSoft: BigInt(s.nofile?.soft ?? 0),
    nofileHard: BigInt(s.nofile?.hard ?? 0),
  };
}

export function surroundingsFrom(s: OnWire): Surroundings {
  const pairs = s.env.map((bytes) => {
    const text = textOf(bytes);
    const at = text.indexOf("=");
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return {
    env: Object.fromEntries(pairs),
    cwd: textOf(s.cwd),
    shell: s.shell,
    umask: s.umask,
    nofile: s.nofileSoft === 0n ? null : { soft: Number(s.nofileSoft), hard: Number(s.nofileHard) },
  };
}
