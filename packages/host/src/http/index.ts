/**
 * The HTTP API (docs/http.md): its routes, each of which takes a grant. What answers them is loaded by the first who is known: a host whose
 * clients come by WebSocket has no use for it.
 */
import type { Host } from "../host.ts";
import type { Handler, Routes } from "../listen/listener.ts";
import type { Meet } from "./in-process.ts";

const SESSION = "/v1/sessions/{session}";

export function httpRoutes(host: Host, meet: Meet): Routes {
  let loaded: ReturnType<typeof load> | null = null;
  const api = (): ReturnType<typeof load> => (loaded ??= load(host, meet));
  return {
    "/v1/openapi.json": { credential: "bearer", GET: async (_, response) => (await api()).document(response) },
    "/v1/call/{verb}": { credential: "bearer", POST: async (...asked) => (await api()).call(...asked) },
    [`${SESSION}/events`]: { credential: "bearer", GET: async (...asked) => (await api()).streams.open(...asked) },
    [`${SESSION}/input`]: { credential: "bearer", POST: async (...asked) => (await api()).streams.input(...asked) },
    [`${SESSION}/resize`]: { credential: "bearer", POST: async (...asked) => (await api()).streams.resize(...asked) },
    [`${SESSION}/floor`]: { credential: "bearer", POST: async (...asked) => (await api()).streams.floor(...asked) },
    [`${SESSION}/detach`]: { credential: "bearer", POST: async (...asked) => (await api()).streams.detach(...asked) },
  };
}

async function load(host: Host, meet: Meet) {
  const [{ answerCallOf }, { described }, { EventStreams }, { answerJson }, { openApi }] = await Promise.all([
    import("./calls.ts"),
    import("./described.ts"),
    import("./events.ts"),
    import("./exchange.ts"),
    import("./openapi.ts"),
  ]);
  const calls = { meet, surroundings: () => host.surroundings };
  let document: ReturnType<typeof openApi> | null = null;
  return {
    call: (...[request, response, asked]: Parameters<Handler>) => answerCallOf(calls, request, response, asked),
    streams: new EventStreams(meet),
    document: (response: Parameters<Handler>[1]) => answerJson(response, 200, (document ??= openApi(host.version, described))),
  };
}
