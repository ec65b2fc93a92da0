/** Calls on the mirror of this host's record (docs/mirror.md). */
import { create, HoldError, MirrorKeyAnswerSchema, MirrorStatusSchema, withoutSecret } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import { checkAddress, type Mirror } from "../mirror/mirror.ts";
import { isJournalFault } from "../session/journal-fault.ts";
import type { CallContext, Result, Verb } from "./context.ts";

const MAX_CREDS_CHARS = 65_536;

export async function mirror({ host, operator, via }: CallContext, call: Verb<"mirror">): Promise<Result> {
  const held = heldBy(host);
  const by = { id: operator.id, via };
  const record = (change: string, detail: string): void => host.recordOperator(by, operator.id, change, detail);
  if (call.off) {
    const was = "the record is mirrored no more";
    record("mirror_off", was);
    await orFailed(held.off(), () => record("mirror_off", `failed: ${was}`));
    return { case: "mirror", value: await held.status() };
  }
  if (call.now) return { case: "mirror", value: await held.now() };
  if (call.creds.length > MAX_CREDS_CHARS) throw new HoldError("bad_request", "that is no credentials file");
  const { url, creds } = call;
  const bucket = call.bucket || "holdfast";
  const address = { url, bucket, ...(creds === "" ? {} : { creds }) };
  checkAddress(address);
  const where = `${withoutSecret(url)} ${bucket}${call.takeOver ? ", taken over" : ""}`;
  // Recorded first: nothing goes elsewhere that the record does not say.
  record("mirror_set", where);
  const status = await orFailed(held.set(address, call.takeOver), () => record("mirror_set", `failed: ${where}`));
  return { case: "mirror", value: status };
}

async function orFailed<T>(doing: Promise<T>, record: () => void): Promise<T> {
  try {
    return await doing;
  } catch (fault) {
    try {
      record();
    } catch (frozen) {
      if (!isJournalFault(frozen)) throw frozen;
    }
    throw fault;
  }
}

export async function mirrorStatus({ host }: CallContext): Promise<Result> {
  const { recordOf } = host;
  if (!recordOf) return { case: "mirror", value: await heldBy(host).status() };
  const { url, bucket, asOfUnixMs } = recordOf;
  return { case: "mirror", value: create(MirrorStatusSchema, { url, bucket, state: "read", asOfUnixMs: BigInt(asOfUnixMs) }) };
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
  return {
    case: "mirrorKey",
    value: create(MirrorKeyAnswerSchema, { key, url: withoutSecret(setting.url), bucket: setting.bucket }),
  };
}

function heldBy(host: Host): Mirror {
  if (host.mirror) return host.mirror;
  throw new HoldError("unsupported", "this host has no mirror");
}
