/** A kernelspec: how a kernel is started, as `kernel.json` says. Reading the file is find.ts. */

export interface Kernelspec {
  readonly argv: readonly string[];
  readonly displayName: string;
  readonly language: string;
  /** Default `signal`. */
  readonly interruptMode: "signal" | "message";
  /** As written: {@link environmentFor} fills in what it names. */
  readonly env: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type ParsedSpec = { readonly ok: true; readonly spec: Kernelspec } | { readonly ok: false; readonly why: string };

/** `why` names the field and what it must be. Fields that nobody knows are left alone. */
export function parseKernelspec(text: string): ParsedSpec {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text);
  } catch (fault) {
    return { ok: false, why: `it is not JSON: ${(fault as Error).message}` };
  }
  if (!isObject(fields)) return { ok: false, why: "it must be a JSON object" };
  const { argv, display_name, language, interrupt_mode = "signal", env = {}, metadata = {} } = fields;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((part) => typeof part === "string")) {
    return { ok: false, why: "argv must be a list of at least one text" };
  }
  if (argv[0] === "") return { ok: false, why: "argv[0] must name a program" };
  if (!argv.some((part) => part.includes("{connection_file}"))) {
    return { ok: false, why: "argv must have {connection_file} in it, or the kernel can't be reached" };
  }
  if (typeof display_name !== "string") return { ok: false, why: "display_name must be a text" };
  if (typeof language !== "string") return { ok: false, why: "language must be a text" };
  if (interrupt_mode !== "signal" && interrupt_mode !== "message") {
    return { ok: false, why: `interrupt_mode must be "signal" or "message", not ${JSON.stringify(interrupt_mode)}` };
  }
  if (!isObject(env)) return { ok: false, why: "env must be an object" };
  const odd = Object.entries(env).find(([, value]) => typeof value !== "string");
  if (odd) return { ok: false, why: `env.${odd[0]} must be a text` };
  if (!isObject(metadata)) return { ok: false, why: "metadata must be an object" };
  const spec: Kernelspec = {
    argv,
    displayName: display_name,
    language,
    interruptMode: interrupt_mode,
    env: env as Record<string, string>,
    metadata,
  };
  return { ok: true, spec };
}

/** What argv's placeholders stand for. */
export interface Places {
  readonly connectionFile: string;
  /** The folder of kernel.json. */
  readonly resourceDir: string;
  /** Where its Python is installed; default as written. */
  readonly prefix?: string;
}

/** argv with its placeholders filled in. argv[0] is taken literally: another one on PATH may lack the kernel. */
export function argvFor(spec: Kernelspec, places: Places): string[] {
  const values: Record<string, string | undefined> = {
    connection_file: places.connectionFile,
    resource_dir: places.resourceDir,
    prefix: places.prefix,
  };
  return spec.argv.map((part) =>
    part.replace(/\{(connection_file|resource_dir|prefix)\}/g, (whole, name: string) => values[name] ?? whole),
  );
}

/**
 * The kernel's environment: that of the session, the spec's own with `$NAME` and `${NAME}` filled in from it (an unknown name stays as
 * written, `$$` is a `$`), and never `JPY_PARENT_PID`: a kernel that watches its parent dies with it.
 */
export function environmentFor(spec: Kernelspec, base: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) if (value !== undefined) env[name] = value;
  for (const [name, value] of Object.entries(spec.env)) {
    env[name] = value.replace(/\$(?:\$|\{(\w+)\}|([A-Za-z_]\w*))/g, (whole, braced?: string, plain?: string) =>
      whole === "$$" ? "$" : (base[braced ?? plain ?? ""] ?? whole),
    );
  }
  delete env.JPY_PARENT_PID;
  delete env.JPY_INTERRUPT_EVENT;
  return env;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
