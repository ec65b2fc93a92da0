/**
 * Kernels and Jupyter's sessions (documents, here): every kernel session of the host that the caller may see is in both lists.
 *
 *   D1  A document that nobody has named is its kernel's: with the name of its session.
 *   D2  Another kernel for a document ends none: who was attached to the one before is so still.
 *   D3  A document's path may be of no file. The same path again is the same document.
 */
import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  bytesOf,
  create,
  FloorMode,
  HoldError,
  type KernelSpec,
  KernelSpecsCallSchema,
  OpenCallSchema,
  SessionKind,
  textOf,
} from "@holdfast/protocol";
import { isListed } from "../call/sessions.ts";
import type { LiveSession } from "../session/session.ts";
import type { WebSocketServer } from "ws";
import { absent, JupyterError, type Json } from "./answers.ts";
import type { Caller, JupyterCalls } from "./calls.ts";
import { KernelChannels } from "./channels.ts";
import { uuidOf } from "./ids.ts";
import type { Document, JupyterStore } from "./store.ts";

const ALL = { all: true, group: "" };

export class JupyterKernels {
  readonly #calls: JupyterCalls;
  readonly #store: JupyterStore;
  readonly #server: WebSocketServer;
  readonly #channels = new Map<string, KernelChannels>();
  readonly #ids = new Map<string, string>();

  constructor(calls: JupyterCalls, store: JupyterStore, server: WebSocketServer) {
    this.#calls = calls;
    this.#store = store;
    this.#server = server;
  }

  /** Of the kernel of this session, made when it is first asked for. */
  channelsOf(session: LiveSession): KernelChannels {
    const made = this.#channels.get(session.id) ?? new KernelChannels(session, this.#calls, this.#server);
    this.#channels.set(session.id, made);
    return made;
  }

  /** Sockets that are open, of all kernels. */
  get connections(): number {
    return [...this.#channels.values()].reduce((sum, { connections }) => sum + connections, 0);
  }

  out(isMeant: (socket: { readonly operator: string; readonly key: string }) => boolean): void {
    for (const channels of this.#channels.values()) channels.out(isMeant);
  }

  leave(): void {
    for (const channels of this.#channels.values()) channels.leave();
    this.#channels.clear();
  }

  // --- kernels ---

  /** Those that live, and that this caller may see. */
  all({ operator }: Caller): LiveSession[] {
    const { host } = this.#calls;
    host.demand(operator, "history.read", null);
    this.#sweep();
    return [...host.sessions.values()].filter(
      (session) => session.kernel && !session.isOver && isListed(host, operator, ALL, session),
    );
  }

  /** Throws 404 for one that there is not. */
  find(caller: Caller, id: string): LiveSession {
    const found = this.all(caller).find((session) => this.idOf(session) === id);
    if (!found) throw absent(`kernel ${id.slice(0, 64)}`);
    return found;
  }

  idOf({ id }: LiveSession): string {
    const made = this.#ids.get(id) ?? uuidOf("kernel", id);
    this.#ids.set(id, made);
    return made;
  }

  model(session: LiveSession): { readonly [name: string]: Json } {
    const { state } = session.kernel!;
    const channels = this.#channels.get(session.id);
    const idle = state.current === null ? "idle" : "busy";
    return {
      id: this.idOf(session),
      name: session.facts.kernel,
      last_activity: new Date(channels?.activeAtUnixMs ?? session.facts.lastActivityAt).toISOString(),
      execution_state: state.phase === "ready" ? idle : state.phase === "ended" ? "dead" : state.phase,
      connections: channels?.connections ?? 0,
    };
  }

  /** `name`: empty for the default; `path`: of the document that it is for. */
  async start(caller: Caller, name: string, path: string): Promise<LiveSession> {
    const { host } = this.#calls;
    const kernel = name || defaultOf(await this.specs(caller));
    const env = this.#env().map(bytesOf);
    const own = host.surroundings;
    const value = create(OpenCallSchema, {
      name: this.#nameFor(path),
      kind: SessionKind.KERNEL,
      kernel,
      env,
      cwd: await this.#folderFor(path),
      shell: own?.shell ?? "",
      umask: own?.umask ?? 0o022,
      floorMode: FloorMode.OPEN,
    });
    const { session } = await this.#calls.call(caller, { case: "open", value }, "open").catch((fault: unknown) => {
      if (fault instanceof HoldError && fault.code === "no_such_kernel") throw new JupyterError(404, fault.message);
      throw fault;
    });
    const opened = host.withId(session!.id)!;
    this.channelsOf(opened);
    return opened;
  }

  async specs(caller: Caller): Promise<readonly KernelSpec[]> {
    const value = create(KernelSpecsCallSchema, { env: this.#env().map(bytesOf) });
    const { specs } = await this.#calls.call(caller, { case: "kernelSpecs", value }, "kernelSpecs");
    return specs.filter(({ fault }) => fault === "");
  }

  end(caller: Caller, session: LiveSession): Promise<void> {
    return this.#calls.end(caller, session.id);
  }

  #env(): string[] {
    const own = (this.#calls.host.surroundings?.env ?? []).map((kv) => textOf(kv as Uint8Array));
    const { env } = this.#store.kept;
    const named = new Set(env.map(nameOf));
    return [...own.filter((kv) => !named.has(nameOf(kv))), ...env];
  }

  /** The document's own folder, where there is one; else the root, or who runs the host is at home. */
  async #folderFor(path: string): Promise<string> {
    const { root } = this.#store.kept;
    const home = textOf((this.#calls.host.surroundings?.cwd ?? bytesOf("/")) as Uint8Array);
    if (root === "") return home;
    const folder = join(root, dirname(join("/", path)));
    return (await stat(folder).catch(() => null))?.isDirectory() ? folder : root;
  }

  /** As its document is called, where that is a name that is free. */
  #nameFor(path: string): string {
    const name = basename(path)
      .replace(/\.ipynb$/, "")
      .replace(/-jvsc-.*$/, "")
      .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 64);
    if (name === "") return "";
    try {
      this.#calls.host.checkName(name, null);
      return name;
    } catch {
      return "";
    }
  }

  // --- documents ---

  documents(caller: Caller): Document[] {
    const kept = this.#store.kept.documents;
    return this.all(caller).flatMap((session) => {
      const own = kept.filter((document) => document.session === session.id);
      return own.length > 0 ? own : [this.#ownDocument(session)];
    });
  }

  document(caller: Caller, id: string): Document {
    const found = this.documents(caller).find((one) => one.id === id);
    if (!found) throw absent(`session ${id.slice(0, 64)}`);
    return found;
  }

  documentModel(document: Document): Json {
    const { id, path, name, type } = document;
    const kernel = this.model(this.#calls.host.withId(document.session)!);
    return { id, path, name, type, kernel, notebook: { path, name } };
  }

  /** D3. */
  async begin(
    caller: Caller,
    wanted: Pick<Document, "path" | "name" | "type">,
    kernel: { readonly id: string; readonly name: string },
  ): Promise<Document> {
    const there = this.documents(caller).find(({ path }) => path === wanted.path);
    if (there) return there;
    const session = kernel.id === "" ? await this.start(caller, kernel.name, wanted.path) : this.find(caller, kernel.id);
    const document = { ...wanted, id: crypto.randomUUID(), session: session.id };
    this.#store.keep(document);
    return document;
  }

  /** D2. */
  async change(
    caller: Caller,
    document: Document,
    to: Partial<Pick<Document, "path" | "name" | "type">>,
    kernel: { readonly id: string; readonly name: string } | null,
  ): Promise<Document> {
    const moved = { ...document, ...to };
    const session = !kernel
      ? document.session
      : (kernel.id === "" ? await this.start(caller, kernel.name, moved.path) : this.find(caller, kernel.id)).id;
    const changed = { ...moved, session };
    this.#store.keep(changed);
    return changed;
  }

  /** And its kernel, where no other document is that one's. */
  async forget(caller: Caller, document: Document): Promise<void> {
    const isShared = this.documents(caller).some(({ id, session }) => session === document.session && id !== document.id);
    if (!isShared) await this.#calls.end(caller, document.session);
    this.#store.forget(({ id }) => id === document.id);
  }

  /** D1. */
  #ownDocument(session: LiveSession): Document {
    const name = session.facts.name || session.id;
    return { id: uuidOf("document", session.id), path: name, name, type: "console", session: session.id };
  }

  /** What is over is in no list. */
  #sweep(): void {
    const lives = (id: string): boolean => this.#calls.host.sessions.get(id)?.isOver === false;
    for (const [id, channels] of this.#channels)
      if (!lives(id)) {
        channels.leave();
        this.#channels.delete(id);
        this.#ids.delete(id);
      }
    if (this.#store.kept.documents.some(({ session }) => !lives(session))) this.#store.forget(({ session }) => !lives(session));
  }
}

/** Python's, where there is one. */
export function defaultOf(specs: readonly KernelSpec[]): string {
  return (specs.find(({ name }) => name === "python3") ?? specs[0])?.name ?? "python3";
}

const nameOf = (kv: string): string => kv.slice(0, kv.indexOf("="));
