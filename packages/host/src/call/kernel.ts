/** Calls on the kernel of a session: how it is, its prompt, interrupts and restarts, and requests of the Jupyter protocol. */
import { type Answer as BridgeAnswer, channelOf, channels, type Message, parsed, request } from "@holdfast/kernel";
import {
  bytesOf,
  create,
  HoldError,
  type Init,
  KernelAnswerSchema,
  type KernelMessage,
  KernelMessageSchema,
  type KernelPiece,
  type KernelRequest,
  KernelSpecsAnswerSchema,
  textOf,
  toBinary,
} from "@holdfast/protocol";
import type { Capability, Deed } from "@holdfast/core";
import type { Act } from "../approval/gate.ts";
import { kernelsFor } from "../kernel/launch.ts";
import type { Asker, KernelRoom } from "../kernel/room.ts";
import { kernelOnWire, kindOnWire } from "../session/on-wire.ts";
import type { LiveSession } from "../session/session.ts";
import { serveCall } from "./kernel-serve.ts";
import { type CallContext, demandCaller, type Result, type Verb } from "./context.ts";

/** What only looks, and runs nothing of its own accord: all else that a client sends to a kernel may run code there. */
const LOOKS = new Set([
  "kernel_info_request",
  "complete_request",
  "inspect_request",
  "is_complete_request",
  "history_request",
  "comm_info_request",
]);
/** Asked in another way, or by nobody but the bridge. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  execute_request: "code is run by the call `run`",
  input_reply: "a prompt is answered by `reply`",
  shutdown_request: "a kernel is ended by the call `kill`, and started anew by `restart`",
  interrupt_request: "a kernel is interrupted by `interrupt`",
};

type Ask = Exclude<Verb<"kernel">["ask"], { case: undefined | "serve" }>;

export async function kernelCall(ctx: CallContext, { session: name, ask }: Verb<"kernel">): Promise<Result> {
  const { host, operator } = ctx;
  if (ask.case === "serve") return serveCall(ctx, ask.value);
  const session = host.find(name);
  const room = demandRoom(session);
  if (ask.case === undefined)
    throw new HoldError("unsupported", "this host does not know what is asked of the kernel; it may be older than its client");
  host.demand(operator, rightFor(ask), session.id);
  await admit(ctx, session, ask);
  const message = await asked(ctx, session, room, ask);
  const pieces = message ? piecesOf(message) : null;
  for (const piece of pieces ?? []) ctx.more({ case: "kernel", value: create(KernelAnswerSchema, { piece }) });
  const whole = message && !pieces ? { message } : {};
  return { case: "kernel", value: create(KernelAnswerSchema, { ...shown(session, room), ...whole }) };
}

/** Of a message, or of a piece of one, in one frame. */
const PIECE_BYTES = 512 * 1024;

/** Null for a message that fits into one frame. */
export function piecesOf(message: Init<KernelMessage>): Init<KernelPiece>[] | null {
  const { header, parent, metadata, content, buffers = [] } = message;
  const bytes = [header, parent, metadata, content, ...buffers].reduce((sum, part) => sum + (part?.length ?? 0), 0);
  if (bytes <= PIECE_BYTES) return null;
  const all = toBinary(KernelMessageSchema, create(KernelMessageSchema, message));
  const pieces: Init<KernelPiece>[] = [];
  for (let at = 0; at < all.length; at += PIECE_BYTES)
    pieces.push({ data: all.subarray(at, at + PIECE_BYTES), last: at + PIECE_BYTES >= all.length });
  return pieces;
}

export async function kernelSpecs({ host }: CallContext, call: Verb<"kernelSpecs">): Promise<Result> {
  const env = call.env.length > 0 ? call.env : (host.surroundings?.env ?? []);
  const { kernels, faulty, folders } = await kernelsFor(env.map(textOf));
  const specs = [
    ...kernels.map(({ name, resourceDir, spec }) => ({
      name,
      folder: resourceDir,
      displayName: spec.displayName,
      language: spec.language,
      spec: bytesOf(
        JSON.stringify({
          argv: spec.argv,
          display_name: spec.displayName,
          language: spec.language,
          interrupt_mode: spec.interruptMode,
          env: spec.env,
          metadata: spec.metadata,
        }),
      ),
    })),
    ...faulty.map(({ name, file, why }) => ({ name, folder: file, fault: why })),
  ];
  return { case: "kernelSpecs", value: create(KernelSpecsAnswerSchema, { specs, folders: [...folders] }) };
}

function demandRoom(session: LiveSession): KernelRoom {
  if (session.kernel) return session.kernel;
  throw new HoldError(
    "unsupported",
    `session ${session.facts.name} (${session.id}) is no kernel; hold new --kernel NAME opens one`,
    {
      session: session.id,
    },
  );
}

function rightFor({ case: asked }: Ask): Capability {
  switch (asked) {
    case "show":
      return "session.observe";
    case "interrupt":
      return "session.signal";
    // The heap is gone then, as when the session ends.
    case "restart":
      return "session.terminate";
    case "cancel":
    case "reply":
    case "request":
    case "upload":
      return "session.input";
  }
}

/** Of an AI: what the policy has to say. What only looks is not asked about. */
async function admit({ host, operator, via, signal }: CallContext, session: LiveSession, ask: Ask): Promise<void> {
  if (operator.kind !== "ai") return;
  // Judged with the request that it is for.
  if (ask.case === "upload") return host.gate.demandUnpaused(operator, session);
  if (ask.case === "show" || (ask.case === "request" && LOOKS.has(ask.value.msgType)))
    return host.gate.demand(operator, "observe", session);
  const pass = await host.gate.admit(operator, via, actOf(session, ask), signal);
  demandCaller(signal);
  const gone = pass.use();
  if (gone) throw gone;
}

function actOf(session: LiveSession, ask: Exclude<Ask, { case: "show" | "upload" }>): Act {
  const act = (deed: Deed, what: string): Act => ({ deed, session, what });
  switch (ask.case) {
    case "cancel":
      return act("signals", `cancels run ${ask.value.run} that waits`);
    case "interrupt":
      return act("signals", `interrupts the kernel${ask.value.confirmed ? ", even if that ends it" : ""}`);
    case "restart":
      return act("end", "ends the kernel and starts it anew, with an empty heap");
    case "reply":
      return { ...act("keys", "answers what the kernel asks"), data: bytesOf(ask.value.value) };
    case "request":
      return { ...act("run", `sends a ${ask.value.msgType} to the kernel`), data: ask.value.content, command: null };
  }
}

async function asked(ctx: CallContext, session: LiveSession, room: KernelRoom, ask: Ask): Promise<Init<KernelMessage> | null> {
  const { host, operator, via } = ctx;
  const by = { id: operator.id, via };
  const asker: Asker = { ...by, name: operator.name, kind: operator.kind, onBehalfOf: operator.onBehalfOf };
  if (ask.case !== "show" && ask.case !== "cancel" && ask.case !== "upload") session.demandTurn(operator, via);
  switch (ask.case) {
    case "show":
      return null;
    case "cancel":
      room.cancel(by, ask.value.run);
      return null;
    case "reply":
      await room.reply(asker, ask.value.prompt, ask.value.value);
      return null;
    case "interrupt": {
      const { confirmed, mode } = ask.value;
      if (mode !== "" && mode !== "signal" && mode !== "message")
        throw new HoldError("bad_request", `an interrupt by ${mode}; it is signal or message`);
      const said = { word: "interrupt", id: host.ports.newId(16), confirmed } as const;
      demandDone(session, await room.interrupt(by, mode === "" ? said : { ...said, mode }));
      return null;
    }
    case "restart":
      demandDone(session, await room.word(by, { word: "restart", id: host.ports.newId(16) }));
      return null;
    case "upload": {
      const { name, offset, data } = ask.value;
      host.kernelUploads.add(`${operator.id}/${session.id}`, name, Number(offset), data);
      return null;
    }
    case "request":
      return requested(ctx, session, room, asker, ask.value);
  }
}

function demandDone(session: LiveSession, answer: BridgeAnswer): void {
  if (!answer.ok) throw refusedWord(session, answer);
}

function refusedWord({ id, facts }: LiveSession, { code, detail }: BridgeAnswer): HoldError {
  const name = facts.name || id;
  const details = { session: id };
  switch (code) {
    case "may_end_kernel":
      return new HoldError(
        "may_end_kernel",
        `an interrupt may end the kernel ${facts.kernel} of session ${name} (${id}), and with it all that it holds: ${detail ?? "nobody has tried"}; hold kernel interrupt ${name} --confirm does it all the same`,
        details,
      );
    case "no_reply":
      return new HoldError(
        "unsupported",
        `the kernel ${facts.kernel} of session ${name} (${id}) did not answer the interrupt: it may not know it`,
        details,
      );
    case "no_kernel":
    case "kernel_ended":
      return new HoldError(
        "kernel_dead",
        `the kernel of session ${name} (${id}) has ended; hold kernel restart ${name} starts it anew, with an empty heap`,
        details,
      );
    default:
      return new HoldError("start_failed", `the kernel of session ${name} (${id}): ${detail ?? code ?? "it failed"}`, details);
  }
}

async function requested(
  { host, signal }: CallContext,
  session: LiveSession,
  room: KernelRoom,
  asker: Asker,
  call: KernelRequest,
): Promise<Init<KernelMessage> | null> {
  const { msgType } = call;
  const elsewhere = ELSEWHERE[msgType];
  if (elsewhere) throw new HoldError("bad_request", `a ${msgType} is not sent as it is: ${elsewhere}`);
  if (!/^[a-z_]+$/.test(msgType)) throw new HoldError("bad_request", `no type of message: ${JSON.stringify(msgType)}`);
  const clientHeader = objectIn(call.header, "header");
  const msgId = typeof clientHeader["msg_id"] === "string" ? clientHeader["msg_id"] : host.ports.newId(32);
  const channel = call.channel === "" ? channelOf(msgType) : channels.find((one) => one === call.channel);
  if (channel !== "shell" && channel !== "control")
    throw new HoldError("bad_request", `requests go on shell or control, not on ${call.channel}`);
  const message = request({
    msgId,
    msgType,
    session: typeof clientHeader["session"] === "string" ? clientHeader["session"] : session.id,
    operator: {
      id: asker.id,
      name: asker.name,
      kind: asker.kind,
      via: asker.via,
      ...(asker.onBehalfOf === "" ? {} : { onBehalfOf: asker.onBehalfOf }),
    },
    date: new Date(host.ports.clock.wallMs()).toISOString(),
    content: objectIn(call.content, "content"),
    metadata: objectIn(call.metadata, "metadata"),
    buffers: [...call.buffers, ...call.uploads.map((name) => host.kernelUploads.take(`${asker.id}/${session.id}`, name))],
    clientHeader,
  });
  const gone = new Promise<never>((_, reject) =>
    signal.addEventListener(
      "abort",
      () => {
        room.forget(msgId);
        reject(new HoldError("cancelled", "the caller left; what was asked stays asked"));
      },
      { once: true },
    ),
  );
  const reply = await Promise.race([room.ask(asker, channel, message), gone]);
  return reply && messageOnWire(channel, room.state.incarnation, reply);
}

function objectIn(bytes: Uint8Array, what: string): Record<string, unknown> {
  if (bytes.length === 0) return {};
  const object = parsed(bytes);
  if (!object) throw new HoldError("bad_request", `the ${what} of a message is a JSON object`);
  return object;
}

export function messageOnWire(
  channel: string,
  incarnation: number,
  { header, parent, metadata, content, buffers }: Message,
): Init<KernelMessage> {
  return { channel, incarnation, header, parent, metadata, content, buffers: [...buffers] };
}

/** Of code that waits; there may be a thousand. */
const SHOWN_CHARS = 512;

function shown(session: LiveSession, { state, followFrom }: KernelRoom) {
  const { current, queue, prompt, info } = state;
  const run = (one: (typeof queue)[number]) => ({
    run: one.id,
    operator: one.by.id,
    name: one.by.name,
    kind: kindOnWire(one.by.kind as Asker["kind"]),
    via: one.by.via ?? "",
    code: one.code.slice(0, SHOWN_CHARS),
    phase: one.phase,
    executionCount: BigInt(one.executionCount ?? 0),
    batch: one.batch ?? "",
  });
  return {
    kernel: kernelOnWire(session.facts.kernel, state),
    waiting: queue.map(run),
    ...(current ? { current: run(current) } : {}),
    ...(prompt ? { prompt: { prompt: prompt.id, run: prompt.runId, text: prompt.text, password: prompt.isPassword } } : {}),
    info: info ? bytesOf(JSON.stringify(info)) : new Uint8Array(0),
    seq: BigInt(session.facts.seq),
    fromSeq: BigInt(followFrom),
  };
}
