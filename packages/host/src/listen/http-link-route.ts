/**
 * `/v1/http-link`: a link made of requests, for networks that break WebSockets. Its first frames are the handshake of every link; nothing of
 * who it is stands in a request, but for the secret of a link that was opened.
 */
import type { Link, LinkHandlers } from "@holdfast/carrier/link";
import { HoldError } from "@holdfast/protocol";
import { answerError } from "../http/exchange.ts";
import type { Routes } from "./listener.ts";

/** `meet`: hands the link to the host; `known` is called once it has proven who is there. */
export async function httpLinkRoutes(meet: (link: Link, known: () => void) => LinkHandlers): Promise<Routes> {
  const { HTTP_LINK_PATH, HttpLinkEnd } = await import("@holdfast/carrier/http/node");
  const end = new HttpLinkEnd();
  const proven = new WeakSet<Link>();
  return {
    [HTTP_LINK_PATH]: {
      credential: "first frames",
      POST(request, response, { known }) {
        if (Number(request.headers["content-length"] ?? 0) !== 0 || request.headers["transfer-encoding"] !== undefined)
          throw new HoldError("bad_request", "a link is opened without a body: its frames come in requests of their own");
        end.open(response, (link) =>
          meet(link, () => {
            proven.add(link);
            known();
          }),
        );
      },
    },
    [`${HTTP_LINK_PATH}/{link}`]: {
      credential: "first frames",
      POST(request, response, { known }, params) {
        const link = end.find(params["link"]!, request);
        if (!link) {
          response.setHeader("Connection", "close");
          return answerError(response, new HoldError("unreachable", "there is no such link; open another"), 404);
        }
        // Its requests come on connections of their own.
        if (proven.has(link)) known();
        return link.take(request, response);
      },
    },
  };
}
