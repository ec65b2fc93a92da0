/** The HTTP carrier where there is nothing but the platform's fetch: pages, workers, other runtimes. */
import { HoldError } from "@holdfast/protocol";
import type { Acceptor, Link } from "../link.ts";
import { httpLinkUrl, LINK_HEADER, SEQ_HEADER } from "./address.ts";
import { connectHttp as connectBy } from "./link.ts";

/** Nothing of the browser's goes along, and nothing of this is kept. */
const alone = { method: "POST", credentials: "omit", cache: "no-store", redirect: "error" } as const;

/** Connects; rejects with `unreachable` when nobody answers, or who does is no host. A page is not told which. */
export function connectHttp(url: string | URL, accept: Acceptor): Promise<Link> {
  const address = httpLinkUrl(String(url));
  const exchange = {
    async open(signal: AbortSignal) {
      const answer = await fetch(address, { ...alone, signal }).catch((cause: unknown) => {
        throw unreachable(address, cause);
      });
      const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
      if (!answer.ok || !isStream || !answer.body) throw unreachable(address, `it says ${answer.status}`);
      return textOf(answer.body);
    },
    async post(to: { link: string; token: string }, seq: number, body: Uint8Array<ArrayBuffer>, signal: AbortSignal) {
      const headers = { "Content-Type": "application/octet-stream", [LINK_HEADER]: to.token, [SEQ_HEADER]: String(seq) };
      const answer = await fetch(`${address}/${to.link}`, { ...alone, headers, body, signal });
      await answer.body?.cancel();
      return answer.status;
    },
    fromBase64: (text: string) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)),
  };
  return connectBy(exchange, accept);
}

function unreachable(address: URL, cause: unknown): HoldError {
  return new HoldError(
    "unreachable",
    `no host answers at ${address.origin} over HTTP, or it does not allow this origin (hold host up --listen … --allow-origin URL)`,
    { url: address.href },
    { cause },
  );
}

/** Read as it is asked for, so that what nobody asks for waits in the hop. */
async function* textOf(body: ReadableStream<Uint8Array>): AsyncIterable<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield decoder.decode(value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
