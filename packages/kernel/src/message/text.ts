/** What a message says to who can only read text. Pure. */
import { headOf, type Message, parsed } from "./message.ts";

/**
 * Of what a run prints: streams, the `text/plain` of results and displays, tracebacks with their colours. Null for a message that shows
 * nothing as text, such as a status or an image without a description. Ends with a line end, but for a stream, which is as it was printed.
 */
export function textOfMessage(message: Message): string | null {
  const content = parsed(message.content);
  switch (headOf(message.header)?.msgType) {
    case "stream":
      return typeof content?.text === "string" ? content.text : null;
    case "execute_result":
    case "display_data":
    case "update_display_data": {
      const plain = (content?.data as Record<string, unknown> | undefined)?.["text/plain"];
      const text = Array.isArray(plain) ? plain.join("") : plain;
      return typeof text === "string" ? lines(text) : null;
    }
    case "error": {
      const { ename, evalue, traceback } = content ?? {};
      const told =
        Array.isArray(traceback) && traceback.length > 0 ? traceback.join("\n") : `${String(ename)}: ${String(evalue)}`;
      return lines(told);
    }
    default:
      return null;
  }
}

const lines = (text: string): string => (text.endsWith("\n") ? text : `${text}\n`);
