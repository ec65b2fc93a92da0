/**
 * Runs a plan: its steps one after the other, each document in a session of its own, or all in one that is named.
 *
 *   R1  Steps run in their order and the first that fails ends the run; apart from each other (`parallel`) all run, and the first that failed, in
 *       their order, counts.
 *   R2  Variables, later over earlier: the session's, those given, what was answered, what earlier cells left. Those given enter a session once, so that
 *       a cell's own word about them stands from then on.
 *   R3  A secret is known here and in the cells of this run: in no event, no result, nothing that is written.
 *   R4  A session that was opened for a document ends with the run, unless it is to be kept; one that was named is never ended. A background cell's
 *       session is nobody's: it ends when its program does, or somebody ends it.
 *   R5  A cell that ends its own shell (`exit 0`) costs a document's session its state, not its later cells: they get a new one, and it is said.
 * Elsewhere: how a cell is typed (shell-executor.ts), what surrounds it (script.ts).
 */
import { textOf } from "@holdfast/protocol";
import { type Ask, exportsOf, type Step } from "@holdfast/runbook";
import type { HostClient, OpenSpec, Session } from "../api/index.ts";
import type { CellCall, CellEnd, Executor } from "./executor.ts";
import { codeOf, messageOf, runFault } from "./fault.ts";
import { standalone } from "./script.ts";
import { aroundOf, fileName, makeFolder, shellOf, ShellExecutor } from "./shell-executor.ts";

export interface RunbookOptions {
  /** A live session: id, unique prefix, or name. Default: one is opened for each document. */
  readonly session?: string;
  /** Of sessions that are opened. Default: as {@link HostClient.open} has it; `cwd` is where a document says nothing. */
  readonly open?: Omit<OpenSpec, "name" | "kind" | "command" | "shell" | "attachIfLives">;
  /** Sessions that were opened live on; a later run that keeps finds them by their name. Default false. */
  readonly keep?: boolean;
  /** Each step apart, beside its session's terminal, all at once. Default false. */
  readonly parallel?: boolean;
  /** Cells that say `background` run in sessions of their own. Default false: they are waited for, as Runme has it. */
  readonly background?: boolean;
  /** `.env` files and what the caller says: {@link Step.envOrder} is theirs to keep. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Null: nothing is answered, and what the document says stands. Absent: likewise, for all. */
  readonly ask?: (ask: Ask, step: Step) => Promise<string | null>;
  /** Tried before the shell's. */
  readonly executors?: readonly Executor[];
  /** Takes the floor where it may. Default false. */
  readonly take?: boolean;
  /** Of each cell, from when it is its turn. Default: as long as it takes. One that is given up runs on in a session that stays. */
  readonly timeoutMs?: number;
  /** Of each cell's output the last so many are in its result. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Interrupts the cell that runs, as Ctrl-C would, and ends the run. */
  readonly signal?: AbortSignal;
  readonly told?: (event: RunbookEvent) => void | Promise<void>;
}

export type RunbookEvent =
  | {
      readonly type: "session";
      readonly file: string;
      readonly session: Session;
      readonly how: "opened" | "kept" | "named" | "again";
    }
  | { readonly type: "started"; readonly step: Step; readonly session: string }
  | { readonly type: "waiting"; readonly step: Step; readonly session: string; readonly code: string; readonly message: string }
  /** As the terminal had it; apart from each other, stdout and stderr are one. */
  | { readonly type: "output"; readonly step: Step; readonly bytes: Uint8Array }
  | { readonly type: "ended"; readonly result: CellOutcome };

export interface CellOutcome {
  readonly step: Step;
  /** Null: not known; {@link problem} says why. Of a background cell null until it ends, which nobody waits for here. */
  readonly code: number | null;
  readonly problem?: { readonly code: string; readonly message: string };
  readonly startedAtUnixMs: number;
  readonly durationMs: number;
  /** Without terminal line ends; secrets are `***`. */
  readonly output: string;
  readonly omittedBytes: number;
  /** Id: where it ran, and where in that one's journal its output is. */
  readonly session: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly isBackground: boolean;
}

export interface RunbookOutcome {
  /** Of the steps that were begun, in their order. */
  readonly results: readonly CellOutcome[];
  /** The first that failed; null: none. */
  readonly failed: CellOutcome | null;
}

/** Throws HoldError where no cell could be begun: `no_such_session`, `unreachable`, `no_integration`, … */
export async function runRunbook(
  client: HostClient,
  steps: readonly Step[],
  options: RunbookOptions = {},
): Promise<RunbookOutcome> {
  const run = new Run(client, options);
  try {
    await run.answer(steps);
    return options.parallel === true ? await run.apart(steps) : await run.oneByOne(steps);
  } finally {
    await run.close();
  }
}

/** A session that cells run in, and what of {@link RunbookOptions.variables} and of earlier cells it knows. */
interface Entered {
  readonly session: Session;
  readonly isOurs: boolean;
  readonly given: Record<string, string>;
}

class Run {
  readonly #client: HostClient;
  readonly #options: RunbookOptions;
  readonly #shell = new ShellExecutor();
  /** By document; of a named session by nothing. */
  readonly #entered = new Map<string, Promise<Entered>>();
  /** R2: what was answered, and what earlier cells left. */
  readonly #left: Record<string, string> = {};
  readonly #secrets: Record<string, string> = {};

  constructor(client: HostClient, options: RunbookOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Before anything runs, so that nobody has to stay. */
  async answer(steps: readonly Step[]): Promise<void> {
    const given = this.#options.variables ?? {};
    for (const step of steps) {
      for (const ask of step.asks) {
        const isKnown = ask.status === "resolved";
        const answer = isKnown ? null : await this.#options.ask?.(ask, step);
        const value = answer ?? ask.value ?? (isKnown ? (given[ask.name] ?? (ask.isSecret ? "" : ask.said)) : ask.said);
        if (isKnown && ask.isSecret && value === "") continue;
        if (ask.isSecret) this.#secrets[ask.name] = value;
        else this.#left[ask.name] = value;
      }
    }
  }

  async oneByOne(steps: readonly Step[]): Promise<RunbookOutcome> {
    const results: CellOutcome[] = [];
    for (const step of steps) {
      if (this.#options.signal?.aborted) throw runFault("cancelled", `the run was given up before ${step.name}`);
      const isBackground = step.background && this.#options.background === true;
      const { result, stdout } = isBackground ? await this.#inBackground(step) : await this.#inSession(step);
      results.push(result);
      await this.#options.told?.({ type: "ended", result });
      if (isBackground) continue;
      if (result.code !== 0) return { results, failed: result };
      if (step.exports.length > 0) this.#leave(exportsOf(step.name, stdout));
    }
    return { results, failed: null };
  }

  /** R3: what holds a secret is one. */
  #leave(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) {
      delete this.#left[name];
      delete this.#secrets[name];
      if (this.#holdsSecret(value)) this.#secrets[name] = value;
      else this.#left[name] = value;
    }
  }

  /** R1. */
  async apart(steps: readonly Step[]): Promise<RunbookOutcome> {
    const results = await Promise.all(
      steps.map(async (step) => {
        const { session } = await this.#sessionOf(step);
        const { result } = await this.#beside(step, session);
        await this.#options.told?.({ type: "ended", result });
        return result;
      }),
    );
    return { results, failed: results.find(({ code }) => code !== 0) ?? null };
  }

  // --- where ---

  #sessionOf(step: Step): Promise<Entered> {
    const key = this.#options.session === undefined ? step.file : "";
    let entered = this.#entered.get(key);
    if (entered === undefined) {
      entered = this.#enter(step);
      this.#entered.set(key, entered);
    }
    return entered;
  }

  async #enter(step: Step): Promise<Entered> {
    const { session: named, keep = false, told, open } = this.#options;
    if (named !== undefined) {
      const session = await this.#client.show(named);
      if (session.exit !== undefined)
        throw runFault(
          "session_ended",
          `session ${session.name} (${session.id}) has ended; name one that lives, or leave --session away`,
          { session: session.id },
        );
      await told?.({ type: "session", file: step.file, session, how: "named" });
      return { session, isOurs: false, given: {} };
    }
    const wish = {
      ...open,
      shell: shellFor(step),
      attachIfLives: keep,
      ...(step.documentCwd === null ? {} : { cwd: step.documentCwd }),
    };
    const { session, existed } = await unusedName(nameOf(step.file), (name) => this.#client.open({ ...wish, name }));
    await told?.({ type: "session", file: step.file, session, how: existed ? "kept" : "opened" });
    return { session, isOurs: !keep, given: {} };
  }

  /** R5. */
  async #alive(step: Step): Promise<Entered> {
    const entered = await this.#sessionOf(step);
    if (this.#options.session !== undefined) return entered;
    const now = await this.#client.show(entered.session.id);
    if (now.exit === undefined) return entered;
    this.#entered.delete(step.file);
    const anew = await this.#sessionOf(step);
    await this.#options.told?.({ type: "session", file: step.file, session: anew.session, how: "again" });
    return anew;
  }

  // --- how ---

  async #inSession(step: Step): Promise<Followed> {
    const { session, given } = await this.#alive(step);
    const executor = this.#options.executors?.find((one) => one.takes(step)) ?? this.#shell;
    const variables: Record<string, string> = {};
    for (const [name, value] of Object.entries({ ...this.#options.variables, ...this.#left }))
      if (given[name] !== value && !(name in this.#secrets)) variables[name] = value;
    const { timeoutMs, signal, take = false, told } = this.#options;
    return this.#follow(step, session.id, async (output) => {
      const end = await executor.run({
        client: this.#client,
        step,
        session: session.id,
        variables,
        secrets: this.#secrets,
        cwd: step.ownCwd,
        take,
        timeoutMs,
        signal,
        output,
        waiting: (why) => told?.({ type: "waiting", step, session: session.id, ...why }),
      });
      Object.assign(given, variables);
      return end;
    });
  }

  /** Beside the terminal: stdout and stderr, no state shared. */
  async #beside(step: Step, session: Session): Promise<Followed> {
    const { timeoutMs, signal } = this.#options;
    return this.#follow(step, session.id, async (output) => {
      const folder = await this.#put(step, session);
      const end = await this.#client.exec(session.id, ["/bin/sh", `${folder}/run`], {
        output: (_, bytes) => output(bytes),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
      });
      const code = end.exit.code ?? (end.exit.signal === undefined ? null : 128 + end.exit.signal);
      return { code, session: end.session, fromOffset: 0, toOffset: 0 };
    });
  }

  /** R4. */
  async #inBackground(step: Step): Promise<Followed> {
    const { session: parent } = await this.#alive(step);
    const { told, open } = this.#options;
    const startedAtUnixMs = Date.now();
    const folder = await this.#put(step, parent);
    const { env, cwd } = await surroundingsOf(this.#client, parent.id);
    const wish = { ...open, env, addEnv: {}, cwd, command: ["/bin/sh", `${folder}/run`], group: parent.group || parent.name };
    const { session } = await unusedName(fileName(step.name), (name) => this.#client.open({ ...wish, name }));
    await told?.({ type: "started", step, session: session.id });
    const nothing = { code: null, durationMs: 0, output: "", omittedBytes: 0, fromOffset: 0, toOffset: 0 };
    return { result: { step, ...nothing, startedAtUnixMs, session: session.id, isBackground: true }, stdout: "" };
  }

  /** A cell's files, in a folder that they remove. */
  async #put(step: Step, session: Session): Promise<string> {
    const folder = await makeFolder(this.#client, session.id);
    const { program, args, extension } = programOf(step);
    const variables = { ...this.#options.variables, ...this.#left, ...this.#secrets };
    const files = standalone({ folder, program, args, extension, script: step.script, variables, cwd: step.ownCwd });
    for (const [name, text] of Object.entries(files))
      await this.#client.files(session.id).write(`${folder}/${name}`, new TextEncoder().encode(text), { mode: 0o600 });
    return folder;
  }

  async #follow(step: Step, session: string, run: (output: CellCall["output"]) => Promise<CellEnd>): Promise<Followed> {
    const { told, maxBytes = 1024 * 1024 } = this.#options;
    const kept = new Kept(maxBytes);
    await told?.({ type: "started", step, session });
    const startedAtUnixMs = Date.now();
    const end = await run((bytes) => {
      kept.add(bytes);
      return told?.({ type: "output", step, bytes });
    }).catch((fault: unknown): CellEnd => {
      const code = codeOf(fault);
      if (code === null || NO_CELL.has(code)) throw fault;
      return { code: null, problem: { code, message: messageOf(fault) }, session, fromOffset: 0, toOffset: 0 };
    });
    const stdout = kept.text();
    const durationMs = Date.now() - startedAtUnixMs;
    const output = this.#hidden(stdout);
    return {
      result: { step, ...end, startedAtUnixMs, durationMs, output, omittedBytes: kept.omitted, isBackground: false },
      stdout,
    };
  }

  // R3.
  #holdsSecret(text: string): boolean {
    return Object.values(this.#secrets).some((secret) => secret !== "" && text.includes(secret));
  }
  #hidden(text: string): string {
    return Object.values(this.#secrets).reduce((left, secret) => (secret === "" ? left : left.replaceAll(secret, "***")), text);
  }

  async close(): Promise<void> {
    for (const executor of [...(this.#options.executors ?? []), this.#shell]) await executor.close?.();
    for (const entering of this.#entered.values()) {
      const entered = await entering.catch(() => null);
      if (entered?.isOurs) await this.#client.kill(entered.session.id, KILL_GRACE_MS).catch(() => {});
    }
  }
}

interface Followed {
  readonly result: CellOutcome;
  /** Nothing hidden. */
  readonly stdout: string;
}

/** Faults of the run, not of one cell. */
const NO_CELL: ReadonlySet<string> = new Set(["unreachable", "no_integration", "not_permitted", "no_such_session"]);
/** Its cells are over: a shell that waits at its prompt has nothing to finish. */
const KILL_GRACE_MS = 500;
const MOST_NAMES = 99;

/** `name`, or the first of `name-2`, `name-3`, … that nobody has. */
async function unusedName<T>(name: string, open: (name: string) => Promise<T>): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await open(n === 1 ? name : `${name}-${n}`);
    } catch (fault) {
      if (codeOf(fault) !== "name_taken" || n >= MOST_NAMES) throw fault;
    }
  }
}

/** What a document's session is called. */
export const nameOf = (file: string): string => fileName(file.replace(/^.*\//, "").replace(/(?<=.)\.[^.]*$/, ""));

/** The session's: where a cell's language says another one, it runs as a program. */
function shellFor({ target }: Step): string {
  const isShell = (target.kind === "live" || target.kind === "contained") && shellOf([target.program]) !== null;
  return isShell ? target.program : "bash";
}

function programOf(step: Step): { readonly program: string; readonly args: readonly string[]; readonly extension: string } {
  const { target } = step;
  if (target.kind === "live" || target.kind === "contained") return { ...target, extension: "sh" };
  const around = aroundOf(step, "bash");
  return around.kind === "program" ? around : { program: "/bin/sh", args: [], extension: "sh" };
}

async function surroundingsOf(
  client: HostClient,
  session: string,
): Promise<{ readonly env: Record<string, string>; readonly cwd: string }> {
  const parts: Uint8Array[] = [];
  const { cwd } = await client.exec(session, ["env", "-0"], {
    output: (stream, bytes) => void (stream === 1 && parts.push(bytes)),
  });
  const text = textOf(joined(parts));
  const pairs = text.split("\0").filter((pair) => pair.includes("="));
  return {
    env: Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])),
    cwd,
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The last bytes of what is added. */
class Kept {
  readonly #most: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  omitted = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    for (let first = this.#parts[0]; first !== undefined && this.#length - first.length >= this.#most; first = this.#parts[0]) {
      this.#parts.shift();
      this.#length -= first.length;
      this.omitted += first.length;
    }
  }

  text(): string {
    return new TextDecoder().decode(joined(this.#parts)).replaceAll("\r\n", "\n");
  }
}
