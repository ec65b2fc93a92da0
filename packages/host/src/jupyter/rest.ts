/** The REST side: which path and method is what, and the models as clients of Jupyter check them. */
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { textOf, type KernelSpec } from "@holdfast/protocol";
import { plainHeaders } from "../http/exchange.ts";
import { absent, answer, bodyOf, type Json, JupyterError, textIn } from "./answers.ts";
import type { Caller, JupyterCalls } from "./calls.ts";
import { defaultOf, type JupyterKernels } from "./kernels.ts";

/** That of the server whose routes these are. */
const VERSION = "2.14.0";

export interface Asked {
  readonly caller: Caller;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Segments of its path that a route leaves open, decoded. */
  readonly params: readonly string[];
  readonly query: URLSearchParams;
}

type Act = (asked: Asked) => Promise<void> | void;

export interface JupyterRoute {
  readonly method: string;
  /** Each group is a param. */
  readonly path: RegExp;
  readonly act: Act;
}

const route = (method: string, path: RegExp, act: Act): JupyterRoute => ({ method, path, act });

export function restRoutes(kernels: JupyterKernels, calls: JupyterCalls): JupyterRoute[] {
  return [
    route("GET", /^\/api\/?$/, ({ response }) => answer(response, 200, { version: VERSION })),
    route("GET", /^\/api\/me$/, ({ caller, response }) => answer(response, 200, identityOf(caller))),
    route("GET", /^\/api\/status$/, ({ caller, response }) => {
      const all = kernels.all(caller).map((session) => kernels.model(session));
      const last = all
        .map((model) => String(model["last_activity"]))
        .sort()
        .at(-1);
      const started = new Date(calls.host.startedAtUnixMs).toISOString();
      answer(response, 200, { started, last_activity: last ?? started, connections: kernels.connections, kernels: all.length });
    }),
    route("GET", /^\/api\/kernelspecs$/, async ({ caller, response }) => {
      const specs = await kernels.specs(caller);
      const models = await Promise.all(specs.map(async (spec) => [spec.name, await specModel(spec)] as const));
      answer(response, 200, { default: defaultOf(specs), kernelspecs: Object.fromEntries(models) });
    }),
    route("GET", /^\/api\/kernelspecs\/([^/]+)$/, async ({ caller, response, params }) =>
      answer(response, 200, await specModel(await specNamed(kernels, caller, params[0]!))),
    ),
    route("GET", /^\/kernelspecs\/([^/]+)\/([^/]+)$/, async ({ caller, response, params }) => {
      const { folder } = await specNamed(kernels, caller, params[0]!);
      const file = params[1]!;
      if (!(await resourcesIn(folder)).includes(file)) throw absent(`file ${file.slice(0, 64)} of that kernel`);
      const bytes = await readFile(join(folder, file));
      response.writeHead(200, { ...plainHeaders, "Content-Type": typeOf(file), "Content-Length": bytes.length }).end(bytes);
    }),
    ...kernelRoutes(kernels, calls),
    ...sessionRoutes(kernels),
    // Its clients open these at their start, and make nothing of what they say.
    route("POST", /^\/api\/events$/, ({ response }) => answer(response, 204)),
    route("GET", /^\/api\/config\/[^/]+$/, ({ response }) => answer(response, 200, {})),
  ];
}

function kernelRoutes(kernels: JupyterKernels, calls: JupyterCalls): JupyterRoute[] {
  const of = ({ caller, params }: Asked) => kernels.find(caller, params[0]!);
  return [
    route("GET", /^\/api\/kernels$/, ({ caller, response }) =>
      answer(
        response,
        200,
        kernels.all(caller).map((session) => kernels.model(session)),
      ),
    ),
    route("POST", /^\/api\/kernels$/, async ({ caller, request, response }) => {
      const body = await bodyOf(request);
      const session = await kernels.start(caller, textIn(body, "name"), textIn(body, "path"));
      answer(response, 201, kernels.model(session), { Location: `/api/kernels/${kernels.idOf(session)}` });
    }),
    route("GET", /^\/api\/kernels\/([^/]+)$/, (asked) => answer(asked.response, 200, kernels.model(of(asked)))),
    route("DELETE", /^\/api\/kernels\/([^/]+)$/, async (asked) => {
      await kernels.end(asked.caller, of(asked));
      answer(asked.response, 204);
    }),
    route("POST", /^\/api\/kernels\/([^/]+)\/interrupt$/, async (asked) => {
      await calls.kernel(asked.caller, of(asked).id, { case: "interrupt", value: {} });
      answer(asked.response, 204);
    }),
    route("POST", /^\/api\/kernels\/([^/]+)\/restart$/, async (asked) => {
      const session = of(asked);
      await kernels.channelsOf(session).restart(asked.caller);
      answer(asked.response, 200, kernels.model(session));
    }),
  ];
}

function sessionRoutes(kernels: JupyterKernels): JupyterRoute[] {
  const of = ({ caller, params }: Asked) => kernels.document(caller, params[0]!);
  return [
    route("GET", /^\/api\/sessions$/, ({ caller, response }) =>
      answer(
        response,
        200,
        kernels.documents(caller).map((document) => kernels.documentModel(document)),
      ),
    ),
    route("POST", /^\/api\/sessions$/, async ({ caller, request, response }) => {
      const body = await bodyOf(request);
      const { path, name } = placeIn(body);
      if (path === "") throw new JupyterError(400, "a session has a path");
      const wanted = { path, name: name || path, type: textIn(body, "type") || "notebook" };
      const document = await kernels.begin(caller, wanted, kernelIn(body) ?? { id: "", name: "" });
      answer(response, 201, kernels.documentModel(document), { Location: `/api/sessions/${document.id}` });
    }),
    route("GET", /^\/api\/sessions\/([^/]+)$/, (asked) => answer(asked.response, 200, kernels.documentModel(of(asked)))),
    route("PATCH", /^\/api\/sessions\/([^/]+)$/, async (asked) => {
      const body = await bodyOf(asked.request);
      const { path, name } = placeIn(body);
      const to = {
        ...(path === "" ? {} : { path }),
        ...(name === "" ? {} : { name }),
        ...(textIn(body, "type") === "" ? {} : { type: textIn(body, "type") }),
      };
      const changed = await kernels.change(asked.caller, of(asked), to, kernelIn(body));
      answer(asked.response, 200, kernels.documentModel(changed));
    }),
    route("DELETE", /^\/api\/sessions\/([^/]+)$/, async (asked) => {
      await kernels.forget(asked.caller, of(asked));
      answer(asked.response, 204);
    }),
  ];
}

/** Older clients say it of a notebook. */
function placeIn(body: Readonly<Record<string, unknown>>): { readonly path: string; readonly name: string } {
  const notebook = (body["notebook"] ?? {}) as Record<string, unknown>;
  return { path: textIn(body, "path") || textIn(notebook, "path"), name: textIn(body, "name") || textIn(notebook, "name") };
}

/** Null: nothing is said of a kernel. */
function kernelIn(body: Readonly<Record<string, unknown>>): { readonly id: string; readonly name: string } | null {
  const kernel = body["kernel"];
  if (typeof kernel !== "object" || kernel === null) return null;
  const fields = kernel as Record<string, unknown>;
  return { id: textIn(fields, "id"), name: textIn(fields, "name") };
}

function identityOf({ operator: { id, name } }: Caller): Json {
  const identity = {
    username: id,
    name,
    display_name: name,
    initials: name.slice(0, 2).toUpperCase(),
    avatar_url: null,
    color: null,
  };
  return { identity, permissions: {} };
}

async function specNamed(kernels: JupyterKernels, caller: Caller, name: string): Promise<KernelSpec> {
  const found = (await kernels.specs(caller)).find((spec) => spec.name === name.toLowerCase());
  if (!found) throw absent(`kernel ${name.slice(0, 64)}`);
  return found;
}

async function specModel({ name, folder, spec }: KernelSpec): Promise<Json> {
  const files = await resourcesIn(folder);
  const resources = Object.fromEntries(
    files.map((file) => [file.startsWith("logo-") ? file.replace(/\.[a-z]+$/, "") : file, `/kernelspecs/${name}/${file}`]),
  );
  return { name, spec: JSON.parse(textOf(spec)) as Json, resources };
}

async function resourcesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder).catch(() => []);
  return files.filter((file) => /^(logo-[\w-]+\.(png|svg)|kernel\.(js|css))$/.test(file)).sort();
}

function typeOf(file: string): string {
  if (file.endsWith(".png")) return "image/png";
  if (file.endsWith(".svg")) return "image/svg+xml";
  return file.endsWith(".css") ? "text/css" : "text/javascript";
}
