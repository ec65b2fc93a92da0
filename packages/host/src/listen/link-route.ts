/** `/v1/link`: a WebSocket, whose first frames are the handshake of every link. Nothing of who it is stands in the request. */
import type { Link, LinkHandlers } from "@holdfast/carrier/link";
import { HoldError } from "@holdfast/protocol";
import { refuse, type Route } from "./listener.ts";

/** `meet`: hands the link to the host; `known` is called once it has proven who is there. */
export async function linkRoute(meet: (link: Link, known: () => void) => LinkHandlers): Promise<Route> {
  const { offersLink, webSocketEnd } = await import("@holdfast/carrier/websocket/node");
  const end = webSocketEnd();
  return {
    credential: "first frames",
    upgrade(request, socket, head, { known }) {
      const wrong = request.url?.includes("?")
        ? "a link's address has no query: who you are is proven in its frames"
        : offersLink(request);
      if (wrong) return refuse(socket, { status: 400, error: new HoldError("bad_request", wrong) });
      end.take(request, socket, head, (link) => meet(link, known));
    },
  };
}
