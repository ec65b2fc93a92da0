/**
 * Cells in a terminal session: each is typed as one command when its turn has come.
 *
 *   Q1  Nothing is typed but at an empty prompt, with the floor: {@link HostClient.run} sees to that in one step. Until then the cell waits, and says why.
 *   Q2  A secret lies in a file only from just before its cell is typed; a cell that is refused takes it back.
 *   Q3  An exit code is what the shell told, or null.
 */
import { programsFor, type Step } from "@holdfast/runbook";
import type { HostClient } from "../api/index.ts";
import type { CellCall, CellEnd, Executor } from "./executor.ts";
import { codeOf, messageOf, runFault } from "./fault.ts";
import { type Around, type CellShell, hasVariables, lineOf, surround } from "./script.ts";

/** What passes: somebody types, a program runs, somebody else steers. */
const WAITS: ReadonlySet<string> = new Set([
  "not_at_prompt",
  "line_not_empty",
  "incomplete_command",
  "floor_held",
  "ai_paused",
  "input_blocked",
]);
/** How often it is tried again while nothing says that it might do. */
const LOOK_AGAIN_MS = 250;
/** How long a cell that was interrupted may take to end. */
const GRACE_MS = 5_000;
const PRESS_AGAIN_MS = 500;
/** A cell that takes longer is looked at: it may wait for somebody. */
const QUIET_MS = 1_500;
const INPUT_LOOK_MS = 30_000;
/** 128 and SIGINT. */
const INTERRUPTED = 130;
const encoder = new TextEncoder();

export class ShellExecutor implements Executor {
  readonly #folders = new Map<string, Promise<string>>();
  readonly #written = new Map<string, string>();
  #client: HostClient | null = null;

  takes(): boolean {
    return true;
  }

  async run(call: CellCall): Promise<CellEnd> {
    const { client, step, session } = call;
    this.#client = client;
    const shown = await client.show(session);
    const shell = shellOf(shown.command);
    if (shell === null)
      throw runFault(
        "no_integration",
        `session ${shown.name} (${session}) runs ${shown.command.join(" ") || "no shell"}; cells run in bash and zsh, so name another session or leave --session away`,
      );
    const folder = await this.#folder(call);
    const path = `${folder}/${fileName(step.name)}`;
    const text = surround(aroundOf(step, shell), shell, { ...call, path });
    const write = (bytes: Uint8Array) => client.files(session).write(path, bytes, { mode: 0o600 });
    const file = {
      put: async (): Promise<void> => {
        if (this.#written.get(path) === text) return;
        await write(encoder.encode(text));
        // One that holds variables removes itself.
        if (hasVariables(call)) this.#written.delete(path);
        else this.#written.set(path, text);
      },
      takeBack: async (): Promise<void> => {
        if (hasVariables(call)) await write(new Uint8Array(0));
      },
    };
    return this.#typed(call, lineOf(path, step.script), file);
  }

  /** Q1. */
  async #typed(
    call: CellCall,
    text: string,
    file: { readonly put: () => Promise<void>; readonly takeBack: () => Promise<void> },
  ): Promise<CellEnd> {
    const { client, session, signal } = call;
    for (let why = ""; ; ) {
      if (signal?.aborted) throw runFault("cancelled", `${call.step.name} was given up before its turn came`);
      try {
        await this.#ready(call, why);
        await file.put();
        const end = await this.#once(call, text);
        if (end.code === null || end.code === INTERRUPTED) await this.#forget(call);
        return end;
      } catch (fault) {
        const code = codeOf(fault);
        await file.takeBack().catch(() => {});
        if (code === null || !WAITS.has(code)) throw fault;
        if (why !== code) await call.waiting({ code, message: messageOf(fault) });
        why = code;
        await client.wait(session, { command: true, exit: true, timeoutMs: LOOK_AGAIN_MS }, signal);
      }
    }
  }

  /** A shell that was itself interrupted has not come to the end of what surrounds a cell. */
  async #forget({ client, session, secrets }: CellCall): Promise<void> {
    const names = Object.keys(secrets);
    if (names.length > 0)
      await client.run(session, { text: ` unset -v ${names.join(" ")}` }, { timeoutMs: GRACE_MS }).catch(() => {});
  }

  async #ready(call: CellCall, why: string): Promise<void> {
    if (!hasVariables(call) || why === "" || why === "floor_held" || why === "ai_paused") return;
    const { client, session, signal } = call;
    // What holds variables is not written for each look: only once the prompt is there.
    for (;;) {
      const { state, fired } = await client.wait(session, { inputNeeded: true, exit: true, timeoutMs: 0 }, signal);
      if (state === "idle_prompt" || fired === "exit" || fired === "ended") return;
      await client.wait(session, { command: true, exit: true, timeoutMs: LOOK_AGAIN_MS }, signal);
    }
  }

  async #once(call: CellCall, text: string): Promise<CellEnd> {
    const { client, session, signal, timeoutMs, take } = call;
    const leave = new AbortController();
    const timers: ReturnType<typeof setTimeout>[] = [];
    const press = (): void => void client.send(session, Uint8Array.of(3), { interrupt: true }).catch(() => {});
    // Again: one that comes while a shell starts a program reaches neither.
    const interrupt = (): void => {
      press();
      for (let at = PRESS_AGAIN_MS; at < GRACE_MS; at += PRESS_AGAIN_MS) timers.push(setTimeout(press, at));
      timers.push(setTimeout(() => leave.abort(), GRACE_MS));
    };
    signal?.addEventListener("abort", interrupt, { once: true });
    const over = new AbortController();
    const watch = setTimeout(() => void this.#input(call, over.signal).catch(() => {}), QUIET_MS);
    try {
      const r = await client.run(
        session,
        { text },
        { take, signal: leave.signal, output: (bytes) => call.output(bytes), ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      );
      const place = { session, fromOffset: r.fromOffset, toOffset: r.toOffset };
      if (r.state === "ended" && r.code !== null) return { code: r.code, ...place };
      return { code: null, problem: problemOf(r.state, call), ...place };
    } finally {
      clearTimeout(watch);
      over.abort();
      signal?.removeEventListener("abort", interrupt);
      for (const timer of timers) clearTimeout(timer);
    }
  }

  /** A cell that reads from the terminal waits for whoever attaches: that is said, once. */
  async #input({ client, session, step, waiting }: CellCall, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { state, fired } = await client.wait(session, { inputNeeded: true, exit: true, timeoutMs: INPUT_LOOK_MS }, signal);
      if (fired === "exit" || fired === "ended") return;
      if (state !== "waiting_input" && state !== "waiting_secret") continue;
      return waiting({
        code: "input_needed",
        message: `${step.name} reads from the terminal; hold attach ${session} gives it what it asks for`,
      });
    }
  }

  /** Of the session's machine, for its user alone. */
  #folder({ client, session }: CellCall): Promise<string> {
    let folder = this.#folders.get(session);
    if (folder === undefined) {
      folder = makeFolder(client, session);
      this.#folders.set(session, folder);
    }
    return folder;
  }

  async close(): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    for (const [session, folder] of this.#folders) {
      const path = await folder.catch(() => null);
      if (path !== null) await removeFolder(client, session, path).catch(() => {});
    }
    this.#folders.clear();
  }
}

export async function makeFolder(client: HostClient, session: string): Promise<string> {
  const said: string[] = [];
  const { exit } = await client.exec(session, ["mktemp", "-d", "/tmp/holdfast-runbook-XXXXXXXX"], {
    output: (_, bytes) => void said.push(new TextDecoder().decode(bytes)),
  });
  const path = said.join("").trim();
  if (exit.code !== 0 || !path.startsWith("/tmp/holdfast-runbook-"))
    throw runFault(
      "file_failed",
      `no folder for cells could be made on the machine of session ${session}: ${path || "mktemp said nothing"}`,
    );
  return path;
}

/** A session that has ended takes no more programs: then a job of its own removes it. */
async function removeFolder(client: HostClient, session: string, path: string): Promise<void> {
  const argv = ["rm", "-rf", "--", path];
  if ((await client.show(session)).exit === undefined) return void (await client.exec(session, argv));
  const job = (await client.open({ kind: "pipes", command: argv, cwd: "/" })).session.id;
  await client.wait(job, { exit: true, timeoutMs: GRACE_MS });
  await client.remove(job);
}

/** Of a session's command; null: none that cells are typed into. */
export function shellOf(command: readonly string[]): CellShell | null {
  const name = (command[0] ?? "").replace(/^.*\//, "").replace(/^-/, "");
  return name === "bash" || name === "zsh" ? name : null;
}

/** What is shown of a cell's name where it is typed. */
export const fileName = (name: string): string =>
  name
    .replaceAll(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 48) || "cell";

export function aroundOf({ target, language }: Step, shell: CellShell): Around {
  if (target.kind === "live" || target.kind === "contained") {
    const name = target.program.replace(/^.*\//, "");
    if (name === shell || name === "bash" || name === "sh") return { kind: target.kind };
    return { kind: "program", program: target.program, args: target.args, extension: "sh" };
  }
  if (target.kind === "program") return target;
  // Nobody here speaks to kernels: the language's own program, as Runme has it.
  const [program = "cat", ...args] = (programsFor(language)[0] ?? "cat").split(" ");
  return { kind: "program", program, args, extension: "txt" };
}

function problemOf(state: string, { step, session }: CellCall): { readonly code: string; readonly message: string } {
  switch (state) {
    case "timed_out":
      return {
        code: "timed_out",
        message: `${step.name} took too long and was given up; if session ${session} stays it runs on there, and hold send ${session} --key C-c interrupts it`,
      };
    case "interrupted":
      return { code: "cancelled", message: `${step.name} was interrupted and its code is not known` };
    case "incomplete":
    case "not_run":
      return {
        code: state === "incomplete" ? "incomplete_command" : "not_run",
        message: `the shell of session ${session} did not run ${step.name}; hold screen ${session} shows what it said`,
      };
    default:
      return {
        code: "code_unknown",
        message: `${step.name} ended and the shell of session ${session} did not tell its code; hold log ${session} has what it printed`,
      };
  }
}
