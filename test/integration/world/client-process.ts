/**
 * A client in a process of its own, to be killed and stopped: attaches, checks what it is told, and says where it stands.
 *   node client-process.ts HOME AS SESSION MODE
 * Each line on stdout is one JSON {@link Standing}; it is written at most every 20 ms.
 */
import { argv, stdout } from "node:process";
import type { HostClient } from "@holdfast/sdk";
import { connect } from "@holdfast/sdk/node";

/** What the client has seen so far. */
export interface Standing {
  readonly attached: boolean;
  /** End offset of the output that it was given. */
  readonly offset: number;
  readonly seq: number;
  /** Output that did not begin where the last one ended, and no snapshot explained it. */
  readonly breaks: number;
  readonly bytes: number;
  /** Why each snapshot came. */
  readonly snapshots: readonly string[];
  /** Times that it was offline. */
  readonly losses: number;
  readonly over: string;
}

const [home, as, session, mode] = argv.slice(2) as [string, string, string, "snapshot" | "replay"];
const now = { attached: false, offset: -1, seq: 0, breaks: 0, bytes: 0, snapshots: [] as string[], losses: 0, over: "" };
let due = false;
function tell(): void {
  if (due) return;
  due = true;
  setTimeout(() => {
    due = false;
    stdout.write(`${JSON.stringify(now)}\n`);
  }, 20);
}

/** Until it is attached for the first time, a host that goes away is the caller's to try again. */
for (;;) {
  try {
    const client = await connect({
      home,
      as,
      via: "cli",
      client: "client-process",
      startHost: async () => {},
      timeoutMs: 60_000,
    });
    await follow(client);
    break;
  } catch (fault) {
    if ((fault as { code?: string }).code !== "unreachable") throw fault;
  }
}
tell();

async function follow(client: HostClient): Promise<void> {
  await client.attach(
    { session, mode, ...(mode === "replay" ? { after: 0 } : {}) },
    {
      snapshot(s) {
        now.offset = s.offset;
        now.seq = s.seq;
        now.snapshots.push(s.why);
        tell();
      },
      output(o) {
        if (now.offset >= 0 && o.offset !== now.offset) now.breaks++;
        now.offset = o.offset + o.bytes.length;
        now.bytes += o.bytes.length;
        now.seq = o.seq;
        tell();
      },
      event(e) {
        now.seq = Number(e.seq);
        tell();
      },
      link(state) {
        now.attached = state === "attached";
        if (state === "offline") now.losses++;
        tell();
      },
      detached(reason) {
        now.over = reason;
        tell();
      },
    },
  );
}
