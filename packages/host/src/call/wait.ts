/**
 * `hold wait`: says which of what was asked for came first. Waiting never touches the session.
 *
 *   W1  What came already and was asked for (`from_seq`) is looked at whole before the end of the session or of the time is told.
 *   W2  A session that ends fires `exit` where that was asked for, and else `ended`: nothing that was asked for came before it.
 *   W3  The deadline cuts no first look short, so that one of 0 looks once.
 *   W4  However far back it begins, it holds one piece of the record at a time, lets others have the loop between two, and reads no further than
 *       what it was asked for.
 *   W5  A kernel tells by itself that it asks something, and what: nothing is guessed from its process.
 */
import { create, HoldError, WaitAnswerSchema } from "@holdfast/protocol";
import type { ReadItem } from "../session/book.ts";
import { type MaskedRecord, type MaskedRecords, QUIET_MS } from "../session/masked-records.ts";
import { activityOf, NEEDS_INPUT } from "../session/activity.ts";
import { OUTPUT_KIND } from "../session/record.ts";
import type { CallContext, Result, Verb } from "./context.ts";
import { KernelText } from "./kernel-text.ts";
import { LineReader, matcher } from "./matcher.ts";

/** How often a program that prints nothing is looked at while somebody waits for its need of input. */
const PROBE_EVERY_MS = 200;
const READ_BYTES = 256 * 1024;

export function waitCall({ host, operator, signal }: CallContext, call: Verb<"wait">): Promise<Result> {
  const session = host.find(call.session);
  const { ports } = host;
  if (!call.exit && !call.command && call.match === "" && call.idleMs === 0n && !call.inputNeeded)
    throw new HoldError("usage", "wait for what? --exit, --command, --match RE, --idle 2s or --input-needed");
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
        void Promise.resolve(
          more.state
            ? { state: more.state }
            : activityOf(session, ports).catch(() => ({ state: session.isOver ? "finished" : "running" })),
        ).then(({ state }) => {
          const shown = host.shown(session);
          resolve({
            case: "wait",
            value: create(WaitAnswerSchema, {
              fired,
              state,
              seq: BigInt(session.facts.seq),
              text: more.text ?? "",
              ...(shown.exit ? { exit: shown.exit } : {}),
              ...(more.code === undefined ? {} : { code: more.code }),
            }),
          });
        });
      });
    /** An AI's: nothing is matched that it would not be shown, by the secrets of now. */
    let records: MaskedRecords | null = null;
    let stopRest: (() => void) | null = null;
    stops.push(() => stopRest?.());
    const lookAtAll = (shown: readonly MaskedRecord[]): void => {
      for (const { item, bytes } of shown)
        if (!("gap" in item) && item.entry.kind === OUTPUT_KIND) look(item.entry.stream, item.entry.offset, bytes);
    };
    const lookAtRest = (): void => lookAtAll(records?.rest() ?? []);
    const lookAt = (item: Exclude<ReadItem, { gap: true }>, payload: Uint8Array): void => {
      if (operator.kind === "ai" && (records?.matcher ?? null) !== session.secrets.matcher) {
        lookAtRest();
        records = session.maskedFrom(item.entry.seq);
      }
      if (!records) return look(item.entry.stream, item.entry.offset, payload);
      lookAtAll(records.take(item, payload));
      stopRest?.();
      stopRest = records.isHolding ? after(QUIET_MS, lookAtRest) : null;
    };
    /** W2, and W1: not before what has come was looked at. */
    const ended = (): void => {
      if (!call.exit && !isBehind) lookAtRest();
      if (call.exit || !isBehind) fire(call.exit ? "exit" : "ended", { state: "finished" });
    };
    /** First looks that are under way (W3). */
    let looking = 0;
    let isLate = false;
    const late = (): void => {
      lookAtRest();
      fire("timeout");
    };
    const looked = (): void => {
      looking--;
      if (isLate && looking === 0) late();
    };
    const after = (ms: number, run: () => void): (() => void) => ports.wakeAt((ports.clock.monoMs() + ms) as never, run);

    // Precedence: exit, command end, need of input, pattern, quiet, deadline.
    let isBehind = call.fromSeq !== undefined;
    const readers = new Map<number, LineReader>();
    /** Of a kernel what people read is looked at, and not how it came. */
    const kernelText = session.kernel ? new KernelText() : null;
    const look = (stream: number, offset: number, payload: Uint8Array): void => {
      if (!matches || over) return;
      if (kernelText && stream !== 1) return;
      if (kernelText) return kernelText.push(payload, (at, text) => lookAtText(stream, at, text));
      lookAtText(stream, offset, payload);
    };
    const lookAtText = (stream: number, offset: number, payload: Uint8Array): void => {
      if (!matches || over) return;
      const lines = readers.get(stream) ?? new LineReader();
      readers.set(stream, lines);
      try {
        // Also a line that has not ended: a prompt is one.
        const ended = lines.push(offset, payload);
        const hit = matches(lines.open ? [...ended, lines.open] : ended)[0];
        if (hit) fire("match", { text: hit.text.slice(0, 4_000) });
      } catch (fault) {
        finish(() => reject(fault));
      }
    };
    let quiet = idleMs > 0 ? after(idleMs, () => fire("idle")) : null;
    stops.push(() => quiet?.());
    stops.push(
      session.listen((entry, body, payload) => {
        if (session.isOver) return ended();
        if (call.command && !isBehind && body?.case === "commandEnded")
          return fire("command", body.value.code === undefined ? {} : { code: body.value.code });
        if (entry.kind !== OUTPUT_KIND) return;
        if (!isBehind) lookAt({ entry, body }, payload);
        if (quiet) {
          quiet();
          quiet = after(idleMs, () => fire("idle"));
        }
      }),
    );
    if (call.timeoutMs !== undefined)
      stops.push(
        after(Number(call.timeoutMs), () => {
          isLate = true;
          if (looking === 0) late();
        }),
      );
    const gone = (): void => finish(() => reject(new HoldError("cancelled", "the caller left")));
    signal.addEventListener("abort", gone, { once: true });
    stops.push(() => signal.removeEventListener("abort", gone));
    if (session.isOver) ended();
    // What has come since is looked at first, a piece at a time; what comes meanwhile is in the journal too.
    const catchUp = (at: number): void => {
      const items = over ? [] : session.read(at, READ_BYTES);
      for (const item of items) {
        at = "gap" in item ? item.toSeq : item.entry.seq;
        if ("gap" in item || over) continue;
        if (item.entry.kind === OUTPUT_KIND) lookAt(item, item.entry.payload);
        else if (call.command && item.body?.case === "commandEnded")
          fire("command", item.body.value.code === undefined ? {} : { code: item.body.value.code });
      }
      isBehind = items.length > 0 && at < session.facts.seq;
      if (isBehind) return ports.defer(() => catchUp(at));
      if (session.isOver) ended();
      looked();
    };
    if (call.fromSeq !== undefined) {
      looking++;
      catchUp(Number(call.fromSeq));
    }
    if (call.inputNeeded && !over && session.kernel) {
      const room = session.kernel;
      const asks = (): void => {
        const { prompt } = room.state;
        if (prompt) fire("input_needed", { state: prompt.isPassword ? "waiting_secret" : "waiting_input", text: prompt.text });
      };
      stops.push(room.listen(asks));
      asks();
    } else if (call.inputNeeded && !over) {
      let seen = "";
      let isFirst = true;
      looking++;
      const lookedOnce = (): void => {
        if (isFirst) looked();
        isFirst = false;
      };
      let stopLooking: (() => void) | null = null;
      stops.push(() => stopLooking?.());
      const again = (): void => {
        stopLooking = after(PROBE_EVERY_MS, probe);
      };
      const probe = (): void => {
        if (over) return;
        activityOf(session, ports).then(
          ({ state }) => {
            if (over) return;
            // Twice in a row: what a program does between two reads is no need of input.
            if (NEEDS_INPUT.has(state) && state === seen) return fire("input_needed", { state });
            if (!NEEDS_INPUT.has(state)) lookedOnce();
            seen = state;
            if (!over) again();
          },
          () => {
            lookedOnce();
            if (!over) again();
          },
        );
      };
      probe();
    }
  });
}
