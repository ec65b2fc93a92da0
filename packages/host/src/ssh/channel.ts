/**
 * One session channel of a connection (RFC 4254 §6): what the client asks for before it begins, which of the works it then begins, and how
 * that ends. A channel does one thing, and is closed with its exit.
 *
 *   D1  Of a terminal that changes its size all the time the newest size counts, {@link RESIZE_MS} apart.
 */
import { type Code, type ExecAnswer, type ExecCall, exitCodeOf, HoldError, type Init } from "@holdfast/protocol";
import type { Connection, ServerChannel, Session as SshSession, SFTPWrapper } from "ssh2";
import type { Conversation } from "./inner-link.ts";
import { type Exit, type Outlet, Sink } from "./sink.ts";
import { exitFiles, writeError } from "./ssh2-inside.ts";

const RESIZE_MS = 50;

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** The client's terminal. `size` null: it did not say. */
export interface ClientTerminal {
  readonly term: string;
  size: TerminalSize | null;
}

/** What a channel's work is given. */
export interface ChannelWork {
  readonly conversation: Conversation;
  readonly sink: Sink;
  /** What the client calls the session. */
  readonly session: string;
  /** The login shell of the host's user. */
  readonly shell: string;
  readonly terminal: ClientTerminal | null;
  /** As the call `exec`, on a terminal. */
  openBeside(call: Init<ExecCall>, terminal: ClientTerminal): Promise<ExecAnswer>;
  newWriter(): string;
  later(ms: number, run: () => void): () => void;
  /** Whoever began this has left already; see `onLeft`. */
  readonly hasLeft: boolean;
  // Set by the work, for as long as it runs.
  /** Its name without SIG. */
  onSignal: ((name: string) => void) | null;
  onResize: ((size: TerminalSize) => void) | null;
  /** The client has closed the channel, reads it no more, or leaves on purpose. Not told when the connection breaks. */
  onLeft: (() => void) | null;
}

export interface ChannelWorld {
  readonly client: Connection;
  readonly conversation: Conversation;
  readonly outlet: Outlet;
  readonly session: string;
  readonly shell: string;
  readonly works: Works;
  openBeside(call: Init<ExecCall>, terminal: ClientTerminal): Promise<ExecAnswer>;
  newWriter(): string;
  later(ms: number, run: () => void): () => void;
  log(text: string): void;
}

/** What can be begun on a channel. */
export interface Works {
  shell(work: ChannelWork): Promise<Exit>;
  exec(work: ChannelWork, command: string): Promise<Exit>;
  observe(work: ChannelWork): Promise<Exit>;
  /** Frames of ours, for whichever sessions they name; resolves when the link is over. */
  carry(channel: ServerChannel): Promise<void>;
  /** Resolves when the client is done. */
  sftp(files: SFTPWrapper): Promise<void>;
  /** Throws where this operator has no such session. */
  find(): void;
}

/** By name, beside sftp's own. */
export const subsystems = ["observe", "holdfast"] as const;
type Subsystem = (typeof subsystems)[number];

export class SessionChannel {
  readonly #world: ChannelWorld;
  #terminal: ClientTerminal | null = null;
  #work: ChannelWork | null = null;
  #sink: Sink | null = null;
  #hasLeft = false;
  #resizeDue: (() => void) | null = null;
  onOver: (() => void) | null = null;
  /** Resolves when what it does is over, and the client has been told. */
  done: Promise<void> = Promise.resolve();

  constructor(world: ChannelWorld, session: SshSession) {
    this.#world = world;
    session.on("pty", (accept, _reject, { cols, rows, ...info }) => {
      // What the types do not tell: which terminal it is.
      this.#terminal = { term: (info as { term?: string }).term ?? "", size: sizeOf(cols, rows) };
      accept?.();
    });
    session.on("window-change", (accept, _reject, { cols, rows }) => {
      const size = sizeOf(cols, rows);
      if (size) this.#resized(size);
      accept?.();
    });
    session.on("signal", (accept, _reject, { name }) => {
      this.#work?.onSignal?.(name);
      accept?.();
    });
    const { works } = world;
    session.once("shell", (accept) => this.#begin(this.#run(accept(), (work) => works.shell(work))));
    session.once("exec", (accept, _reject, { command }) => this.#begin(this.#run(accept(), (work) => works.exec(work, command))));
    const subsystem: Record<Subsystem, (channel: ServerChannel) => Promise<void>> = {
      observe: (channel) => this.#run(channel, (work) => works.observe(work)),
      holdfast: (channel) => this.#carry(channel),
    };
    session.on("subsystem", (accept, reject, { name }) => {
      const known = subsystems.find((one) => one === name);
      if (known) this.#begin(subsystem[known](accept()));
      else reject();
    });
    session.once("sftp", (accept) => this.#begin(this.#files(accept())));
    session.once("close", () => this.closed());
  }

  /** D1. */
  #resized(size: TerminalSize): void {
    if (!this.#terminal) return;
    this.#terminal.size = size;
    if (this.#resizeDue) return;
    this.#work?.onResize?.(size);
    this.#resizeDue = this.#world.later(RESIZE_MS, () => {
      this.#resizeDue = null;
      const newest = this.#terminal?.size;
      if (newest && newest !== size) this.#resized(newest);
    });
  }

  #begin(work: Promise<void>): void {
    this.done = work.catch((fault: unknown) => this.#world.log(`ssh: ${String(fault)}`));
  }

  /** The client leaves on purpose, or does not read any more. */
  left(): void {
    this.#hasLeft = true;
    this.#work?.onLeft?.();
  }

  /** The channel is closed by the client. */
  closed(): void {
    this.left();
    this.lost();
  }

  /** The connection is over. */
  lost(): void {
    this.#sink?.close();
    this.onOver?.();
  }

  async #run(channel: ServerChannel, begin: (work: ChannelWork) => Promise<Exit>): Promise<void> {
    const { conversation, outlet, session, shell } = this.#world;
    const sink = (this.#sink = new Sink(channel, outlet));
    const hasLeft = (): boolean => this.#hasLeft;
    const work: ChannelWork = {
      ...{ conversation, sink, session, shell, terminal: this.#terminal },
      get hasLeft() {
        return hasLeft();
      },
      openBeside: (call, terminal) => this.#world.openBeside(call, terminal),
      newWriter: () => this.#world.newWriter(),
      later: (ms, run) => this.#world.later(ms, run),
      ...{ onSignal: null, onResize: null, onLeft: null },
    };
    this.#work = work;
    const exit = await begin(work).catch((fault: unknown) => {
      const error = this.#told(fault);
      void sink.write(line(error, this.#terminal !== null), 2);
      return { code: exitCodeOf(error.code) };
    });
    this.#work = null;
    // What the client still sends is nobody's.
    channel.resume();
    await sink.exit(exit);
  }

  async #carry(channel: ServerChannel): Promise<void> {
    await this.#world.works.carry(channel);
    channel.exit(0);
    channel.end();
  }

  async #files(files: SFTPWrapper): Promise<void> {
    try {
      this.#world.works.find();
      await this.#world.works.sftp(files);
      exitFiles(this.#world.client, files, 0);
    } catch (fault) {
      const error = this.#told(fault);
      writeError(this.#world.client, files, line(error, false));
      exitFiles(this.#world.client, files, exitCodeOf(error.code));
    }
    files.end();
  }

  #told(fault: unknown): HoldError {
    if (fault instanceof HoldError) return fault;
    this.#world.log(`ssh: ${fault instanceof Error ? fault.stack : String(fault)}`);
    return new HoldError("internal" satisfies Code, "the host failed on that; hold host logs tells more");
  }
}

function line(error: HoldError, isTerminal: boolean): string {
  return `${plain(`holdfast: ${error.toString()}`)}${isTerminal ? "\r\n" : "\n"}`;
}

/** Others' text on somebody's terminal: controls are shown, not done. */
export function plain(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, "\ufffd");
}

/** Null: it did not say, or said what no terminal is. */
function sizeOf(cols: number, rows: number): TerminalSize | null {
  return cols >= 1 && cols <= 1_000 && rows >= 1 && rows <= 500 ? { cols, rows } : null;
}
