/**
 * The endpoint for clients of Jupyter (docs/jupyter.md): a listener of its own on this machine's loopback, opened by `hold kernel serve` and again by
 * every later life of the host.
 *
 *   E1  Whoever asks shows a token, in a header or, where a client can't, in the address (design D5); without one nothing is told but that.
 *   E2  Who asks is looked up for each request, as for each frame of a link.
 *   E3  Its address stays the same: clients come back to it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { HoldError } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { CallContext } from "../call/context.ts";
import type { Listener, Routes } from "../listen/index.ts";
import type { Visit } from "../listen/listener.ts";
import type { RegisteredOperator } from "../operator/registry.ts";
import { refusalFrom } from "../session/journal-fault.ts";
import { absent, answer, answerFault, JupyterError, refuseUpgrade } from "./answers.ts";
import { type Caller, JupyterCalls } from "./calls.ts";
import { socketServer } from "./channels.ts";
import type { JupyterDoor, JupyterServed, JupyterWish } from "./door.ts";
import { JupyterKernels } from "./kernels.ts";
import { type JupyterRoute, restRoutes } from "./rest.ts";
import { JupyterStore, type TokenUse } from "./store.ts";

/** Taken where it is free; else any other. */
const LISTEN = "127.0.0.1:7435";

export interface JupyterParts {
  readonly host: Host;
  readonly identity: Pick<CallContext, "hostId" | "hostKey">;
  readonly path: string;
  /** Throws `usage` or `start_failed`. */
  readonly listen: (address: string, routes: Routes) => Promise<Listener>;
  readonly notice: (text: string) => void;
}

export class Jupyter implements JupyterDoor {
  readonly #p: JupyterParts;
  readonly #store: JupyterStore;
  readonly #kernels: JupyterKernels;
  readonly #routes: readonly JupyterRoute[];
  #listener: Listener | null = null;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: JupyterParts) {
    const { host, identity, path } = parts;
    this.#p = parts;
    this.#store = new JupyterStore(path, () => host.ports.clock.wallMs());
    const calls = new JupyterCalls(host, identity);
    this.#kernels = new JupyterKernels(calls, this.#store, socketServer());
    this.#routes = restRoutes(this.#kernels, calls);
    host.onRevoked((operator) => this.#kernels.out((socket) => socket.operator === operator));
    host.onKeyRevoked((_operator, keyId) => {
      const key = Buffer.from(keyId).toString("hex");
      this.#kernels.out((socket) => socket.key === key);
    });
  }

  get url(): string | null {
    return this.#listener?.url.replace(/^ws/, "http") ?? null;
  }

  get root(): string {
    return this.#store.kept.root;
  }

  /** E3: after a host's restart. */
  async restore(): Promise<void> {
    const { listen } = this.#store.kept;
    if (listen === "") return;
    await this.#inTurn(() => this.#listen(listen)).catch((fault: unknown) =>
      this.#p.notice(
        `the endpoint for Jupyter is not open: ${fault instanceof Error ? fault.message : String(fault)}; hold kernel serve opens it`,
      ),
    );
  }

  open({ listen, root, env }: JupyterWish): Promise<void> {
    return this.#inTurn(async () => {
      const { kept } = this.#store;
      if (!this.#listener || (listen !== "" && listen !== kept.listen)) await this.#listenAnywhere(listen || kept.listen);
      const at = new URL(this.url!).host;
      this.#store.change({ listen: at, env, root: root || kept.root });
    });
  }

  mint({ id }: RegisteredOperator, key: string): JupyterServed {
    return { url: this.url!, root: this.root, ...this.#store.mint(id, key) };
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.#store.change({ listen: "", tokens: [] });
      await this.#shut();
    });
  }

  /** The host goes. */
  leave(): void {
    void this.#shut();
  }

  async #shut(): Promise<void> {
    const listener = this.#listener;
    this.#listener = null;
    this.#p.host.addresses.delete("jupyter");
    this.#kernels.leave();
    await listener?.close();
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act, act);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #listenAnywhere(wished: string): Promise<void> {
    if (wished !== "") return this.#listen(wished);
    await this.#listen(LISTEN).catch((fault: unknown) => {
      if (!(fault instanceof HoldError) || fault.code !== "start_failed") throw fault;
      return this.#listen("127.0.0.1:0");
    });
  }

  async #listen(address: string): Promise<void> {
    const listener = await this.#p.listen(address, {
      "/*": {
        credential: "own",
        request: (request, response, visit) => this.#request(request, response, visit),
        upgrade: (request, socket, head, visit) => this.#upgrade(request, socket, head, visit),
      },
    });
    await this.#shut();
    this.#listener = listener;
    this.#p.host.addresses.set("jupyter", this.url!);
    this.#p.host.ports.log(`clients of Jupyter are served at ${this.url}`);
  }

  // --- requests ---

  async #request(request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void> {
    const over = new AbortController();
    response.once("close", () => over.abort());
    try {
      const { path, query } = placeOf(request);
      // VS Code looks here for a page that asks for a password, before it shows its token.
      if (path === "/" || path === "/tree") return answer(response, 200, { server: "holdfast" });
      const { operator } = this.#caller(request, query);
      visit.known();
      request.socket.setNoDelay(true);
      const caller: Caller = { operator, client: clientOf(request), signal: over.signal };
      const method = request.method === "HEAD" ? "GET" : request.method;
      const there = this.#routes.filter((route) => route.path.test(path));
      const route = there.find((one) => one.method === method);
      if (!route && there.length > 0) throw new JupyterError(405, `${request.method} is not for this`);
      if (!route) throw absent(path.slice(0, 128));
      const params = route.path.exec(path)!.slice(1).map(decoded);
      await route.act({ caller, request, response, params, query });
    } catch (fault) {
      answerFault(response, this.#told(fault, `${request.method} ${placeOf(request).path}`));
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, visit: Visit): void {
    try {
      const { path, query } = placeOf(request);
      const use = this.#caller(request, query);
      visit.known();
      request.socket.setNoDelay(true);
      const [, id] = /^\/api\/kernels\/([^/]+)\/channels$/.exec(path) ?? [];
      if (id === undefined) throw absent(path.slice(0, 128));
      const { host } = this.#p;
      const caller: Caller = { operator: use.operator, client: clientOf(request), signal: new AbortController().signal };
      const session = this.#kernels.find(caller, decoded(id));
      host.demand(use.operator, "session.observe", session.id);
      if (use.operator.kind === "ai") host.gate.demand(use.operator, "observe", session);
      this.#kernels.channelsOf(session).take(request, socket, head, {
        ...use,
        sessionId: (query.get("session_id") ?? "").slice(0, 128),
        client: caller.client,
        isGood: () => this.#store.useAgain(use.hash, host.registry) !== null,
      });
    } catch (fault) {
      refuseUpgrade(socket, this.#told(fault, `upgrade of ${placeOf(request).path}`));
    }
  }

  /** E1, E2. */
  #caller(request: IncomingMessage, query: URLSearchParams): TokenUse {
    const said = /^(?:token|bearer)\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? query.get("token") ?? "";
    const use = said === "" ? null : this.#store.use(said, this.#p.host.registry);
    if (use) return use;
    if (said !== "") this.#p.host.refusals.tell("unknown_credential over http, a token for Jupyter");
    throw new JupyterError(
      403,
      said === ""
        ? "a token is wanted; hold kernel serve prints one"
        : "that token is none, or no more; hold kernel serve prints another",
    );
  }

  #told(fault: unknown, doing: string): JupyterError | HoldError {
    if (fault instanceof JupyterError) return fault;
    try {
      return refusalFrom(fault);
    } catch {
      this.#p.host.ports.log(`${doing}: ${fault instanceof Error ? fault.stack : String(fault)}`);
      return new HoldError("internal", "the host failed on that; hold host logs tells more");
    }
  }
}

/** The query holds a token at times: nothing but the path is ever logged. */
function placeOf({ url = "/" }: IncomingMessage): { readonly path: string; readonly query: URLSearchParams } {
  const [path = "/", query = ""] = url.split("?", 2);
  return { path, query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new JupyterError(400, "a path is percent-encoded UTF-8");
  }
}

function clientOf({ headers }: IncomingMessage): string {
  return (headers["user-agent"] ?? "").slice(0, 64);
}
