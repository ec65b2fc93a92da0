/**
 * The console of this host: a listener on this machine's loopback that serves the page and takes its link, opened when it is first asked for.
 *   C1  Its port is kept, and taken again by every later life of the host: a page that is open comes back, since its origin is the same. Where another
 *       program has it meanwhile, that is said and no other one is taken, until somebody asks for the console again.
 *   C2  A host that was never asked for it loads nothing of it.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { HoldError } from "@holdfast/protocol";
import type { Listener } from "../listen/index.ts";

/** Taken where it is free; else any other. */
const PORT = 7434;

/** What its notice begins with: it is no longer true once it is opened, or closed. */
export const CONSOLE_SHUT = "the console is not open";

export interface ConsoleParts {
  /** C1: the file that has its port. */
  readonly path: string;
  /** Listens on the loopback's port; 0: a free one. Throws `start_failed` where that is taken. */
  readonly listen: (port: number) => Promise<Listener>;
  readonly log: (text: string) => void;
  /** What whoever looks at the host's status should know. */
  readonly notice: (text: string) => void;
  /** Whenever it is opened or closed; null: it is not open. */
  readonly told: (url: string | null) => void;
}

export class Console {
  readonly #p: ConsoleParts;
  #listener: Listener | null = null;
  /** One opening at a time: the second finds the first one's. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ConsoleParts) {
    this.#p = parts;
  }

  /** `http://127.0.0.1:7434`; null: it is not open. */
  get url(): string | null {
    return this.#listener?.url.replace(/^ws/, "http") ?? null;
  }

  /** C1. */
  async restore(): Promise<void> {
    const port = this.#kept();
    if (port === null) return;
    await this.#inTurn(async () => {
      this.#listener = await this.#p.listen(port);
      this.#p.told(this.url);
    }).catch((fault: unknown) => {
      const why = fault instanceof Error ? fault.message : String(fault);
      this.#p.notice(`${CONSOLE_SHUT}: ${why}; hold console opens it again, at another port if need be`);
    });
  }

  /** Where it is. Throws `unsupported` where this host has no page, `start_failed` where no port is to be had. */
  open(): Promise<string> {
    return this.#inTurn(async () => {
      this.#listener ??= await this.#listen();
      writeFileSync(this.#p.path, `${new URL(this.#listener.url).port}\n`, { mode: 0o600 });
      this.#p.told(this.url);
      return this.url!;
    });
  }

  /** Takes nobody any more, and is not opened again by a later life. Whoever is there is out. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      rmSync(this.#p.path, { force: true });
      const listener = this.#listener;
      this.#listener = null;
      this.#p.told(null);
      await listener?.close();
    });
  }

  /** The host's own end: the next life opens it again. */
  leave(): void {
    void this.#listener?.close();
  }

  /** C1; null: it was not open. */
  #kept(): number | null {
    if (!existsSync(this.#p.path)) return null;
    const port = Number.parseInt(readFileSync(this.#p.path, "utf8"), 10);
    return port > 0 && port < 65_536 ? port : PORT;
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act, act);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #listen(): Promise<Listener> {
    const wished = [...new Set([this.#kept() ?? PORT, PORT, 0])];
    for (const port of wished)
      try {
        const listener = await this.#p.listen(port);
        this.#p.log(`the console is at ${listener.url.replace(/^ws/, "http")}`);
        return listener;
      } catch (fault) {
        if (!(fault instanceof HoldError) || fault.code !== "start_failed" || port === wished.at(-1)) throw fault;
      }
    throw new HoldError("start_failed", "no port of the loopback is to be had");
  }
}
