/** Calls on the mirror of this host's record (docs/mirror.md). */
import { create, HoldError, MirrorKeyAnswerSchema } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import { type Mirror, withoutSecret } from "../mirror/mirror.ts";
import type { CallContext, Result, Verb } from "./context.ts";

const MAX_CREDS_CHARS = 65_536;

export async function mirror({ host, operator, via }: CallContext, call: Verb<"mirror">): Promise<Result> {
  const held = heldBy(host);
  const by = { id: operator.id, via };
  if (call.off) {
    await held.off();
    host.recordOperator(by, operator.id, "mirror_off", "the record is mirrored no more");
    return { case: "mirror", value: await held.status() };
  }
  if (call.now) return { case: "mirror", value: await held.now() };
  if (call.creds.length > MAX_CREDS_CHARS) throw new HoldError("bad_request", "that is no credentials file");
  const { url, bucket, creds } = call;
  const status = await held.set({ url, bucket: bucket || "holdfast", ...(creds === "" ? {} : { creds }) }, call.takeOver);
  host.recordOperator(
    by,
    operator.id,
    "mirror_set",
    `${withoutSecret(url)} ${status.bucket}${call.takeOver ? ", taken over" : ""}`,
  );
  return { case: "mirror", value: status };
}

export async function mirrorStatus({ host }: CallContext): Promise<Result> {
  return { case: "mirror", value: await heldBy(host).status() };
}

/** Who has it reads all that the host has recorded, and no revocation takes it back: it is a person's, or a program's of theirs, and asked for by their own key. */
export async function mirrorKey({ host, operator, via, isBearer }: CallContext): Promise<Result> {
  if (operator.kind === "ai")
    throw new HoldError(
      "not_permitted",
      "no AI is given the key of the mirror: whoever has it reads everything that this host has recorded",
    );
  if (isBearer)
    throw new HoldError(
      "not_permitted",
      "the key of the mirror is given to who shows a key of their own, and to no grant: hold host mirror key",
    );
  const { key, setting } = heldBy(host).key();
  host.recordOperator({ id: operator.id, via }, operator.id, "mirror_key", "was given the key of the mirror");
  return { case: "mirrorKey", value: create(MirrorKeyAnswerSchema, { key, url: setting.url, bucket: setting.bucket }) };
}

function heldBy(host: Host): Mirror {
  if (host.mirror) return host.mirror;
  throw new HoldError("unsupported", "this host has no mirror");
}
