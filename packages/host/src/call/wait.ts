/** `hold wait`: says which of what was asked for came first. Waiting never touches the session. */
import { create, HoldError, WaitAnswerSchema } from "@holdfast/protocol";
import { OUTPUT_KIND } from "../session/record.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { activityOf, matcher, seenLine } from "./reading.ts";

/** How often a program that prints nothing is looked at while somebody waits for its need of input. */
const PROBE_EVERY_MS = 200;
const NEEDS_INPUT = new Set(["waiting_input", "waiting_secret", "idle_prompt", "interactive_app"]);

export function waitCall({ host, signal }: CallContext, call: Verb<"wait">): Promise<Result> {
  const session = host.find(call.session);
  const { ports } = host;
  if (!call.exit && !call.command && call.match === "" && call.idleMs === 0n && !call.inputNeeded) throw new HoldError("usage", "wait for what? --exit, --command, --match RE, --idle 2s or --input-needed");
  const matches = call.match === "" ? null : matcher(call.match, true);
  const idleMs = Number(call.idleMs);
  return new Promise((resolve, reject) => {
    const stops: (() => void)[] = [];
    let over = false;
    const finish = (then: () => void): void => {
      if (over) return;
      over = true;
      for (const stop of stops) stop();
      then();
    };
    const fire = (fired: string, more: { text?: string; code?: number; state?: string } = {}): void =>
      finish(() => {
        void Promise.resolve(more.state ? { state: more.state } : activityOf(session, ports).catch(() => ({ state: session.isOver ? "finished" : "running" }))).then(({ state }) => {
          const shown = host.shown(session);
          resolve({ case: "wait", value: create(WaitAnswerSchema, { fired, state, seq: BigInt(session.facts.seq), text: more.text ?? "", ...(shown.exit ? { exit: shown.exit } : {}), ...(more.code === undefined ? {} : { code: more.code }) }) });
        });
      });
    const after = (ms: number, run: () => void): (() => void) => ports.wakeAt((ports.clock.monoMs() + ms) as never, run);

    // Precedence: exit, command end, need of input, pattern, quiet, deadline.
    let rest = "";
    const look = (payload: Uint8Array): void => {
      if (!matches || over) return;
      const lines = (rest + Buffer.from(payload).toString("utf8")).split("\n");
      rest = lines.at(-1)!.slice(-8_192);
      for (const line of lines) {
        const clean = seenLine(line);
        if (matches(clean)) return fire("match", { text: clean.slice(0, 4_000) });
      }
    };
    let quiet = idleMs > 0 ? after(idleMs, () => fire("idle")) : null;
    stops.push(() => quiet?.());
    stops.push(
      session.listen((entry, body, payload) => {
        if (session.isOver) return call.exit || !call.command ? fire("exit", { state: "finished" }) : fire("exit", { state: "finished" });
        if (call.command && body?.case === "commandEnded") return fire("command", body.value.code === undefined ? {} : { code: body.value.code });
        if (entry.kind !== OUTPUT_KIND) return;
        look(payload);
        if (quiet) {
          quiet();
          quiet = after(idleMs, () => fire("idle"));
        }
      }),
    );
    if (call.timeoutMs > 0n) stops.push(after(Number(call.timeoutMs), () => fire("timeout")));
    const gone = (): void => finish(() => reject(new HoldError("cancelled", "the caller left")));
    signal.addEventListener("abort", gone, { once: true });
    stops.push(() => signal.removeEventListener("abort", gone));
    if (session.isOver) return fire("exit", { state: "finished" });
    if (call.fromSeq !== undefined) {
      for (let at = Number(call.fromSeq); at < session.facts.seq && !over; ) {
        const items = session.read(at, 1024 * 1024);
        if (items.length === 0) break;
        for (const item of items) {
          at = "gap" in item ? item.toSeq : item.entry.seq;
          if ("gap" in item) continue;
          if (item.entry.kind === OUTPUT_KIND) look(item.entry.payload);
          else if (call.command && item.body?.case === "commandEnded") fire("command", item.body.value.code === undefined ? {} : { code: item.body.value.code });
        }
      }
    }
    if (call.inputNeeded && !over) {
      let seen = "";
      const probe = (): void => {
        if (over) return;
        activityOf(session, ports).then(
          ({ state }) => {
            if (over) return;
            // Twice in a row: what a program does between two reads is no need of input.
            if (NEEDS_INPUT.has(state) && state === seen) return fire("input_needed", { state });
            seen = state;
            stops.push(after(PROBE_EVERY_MS, probe));
          },
          () => stops.push(after(PROBE_EVERY_MS, probe)),
        );
      };
      probe();
    }
  });
}
