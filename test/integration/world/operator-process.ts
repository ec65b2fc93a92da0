/**
 * An operator on a machine of its own: attaches from the first byte on, types what stdin says, a line each, and tells what it saw.
 *   node operator-process.ts HOME SESSION URL ...
 * The first address is meant, the others are other ways to the same host.
 * A line of stdout is one JSON {@link Sight}. Times are this machine's calendar's, which all machines of a test share.
 */
import { createHash } from "node:crypto";
import { createInterface } from "node:readline";
import { argv, stdin, stdout } from "node:process";
import type { Attachment } from "@holdfast/sdk";
import { connect } from "@holdfast/sdk/node";

export type Sight =
  | { readonly is: "attached"; readonly at: number; readonly id: string; readonly resumed: boolean }
  | { readonly is: "offline" | "over"; readonly at: number; readonly why?: string }
  /** It has a token: from now on it stays the same attachment, whatever becomes of its link. */
  | { readonly is: "placed"; readonly at: number }
  | {
      readonly is: "out";
      readonly at: number;
      readonly text: string;
      readonly end: number;
      readonly breaks: number;
      readonly hash: string;
    }
  | { readonly is: "told"; readonly at: number; readonly line: string; readonly status: number; readonly code?: string };

const [home, session, url, ...others] = argv.slice(2) as [string, string, string, ...string[]];
const tell = (sight: Sight): void => void stdout.write(`${JSON.stringify(sight)}\n`);
const hash = createHash("sha256");
let [end, breaks, isPlaced] = [0, 0, false];

const client = await connect({ home, url, also: others.map((other) => ({ url: other })) });
let its: Attachment | null = null;
const attachment = await client.attach(
  { session, mode: "replay", after: 0 },
  {
    output({ offset, bytes }) {
      if (offset !== end) breaks++;
      end = offset + bytes.length;
      hash.update(bytes);
      const digest = hash.copy().digest("hex");
      tell({ is: "out", at: Date.now(), text: Buffer.from(bytes).toString(), end, breaks, hash: digest });
    },
    gap: () => void breaks++,
    link(state, { resumed }) {
      if (state === "attached") tell({ is: "attached", at: Date.now(), id: its?.id ?? "", resumed });
      else tell({ is: "offline", at: Date.now() });
    },
    kept(text) {
      if (isPlaced || !text || !(JSON.parse(text) as { readonly token: object | null }).token) return;
      isPlaced = true;
      tell({ is: "placed", at: Date.now() });
    },
    // What was held for long is sent all the same.
    held: () => its?.flushHeld(),
    detached: (reason) => tell({ is: "over", at: Date.now(), why: reason }),
  },
);
its = attachment;
tell({ is: "attached", at: Date.now(), id: attachment.id, resumed: false });
for await (const line of createInterface({ input: stdin }))
  void attachment
    .input(Buffer.from(`${line}\n`))
    .then(({ status, code }) => tell({ is: "told", at: Date.now(), line, status, ...(code ? { code } : {}) }));
