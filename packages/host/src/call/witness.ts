/** Calls about heads of the chain that others keep. */
import { create, DoneSchema, headFrom, headOnWire, HoldError, WitnessAnswerSchema } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import type { HostWitness } from "../witness/witness.ts";
import type { CallContext, Result, Verb } from "./context.ts";

export async function witnessCall({ host, operator }: CallContext, call: Verb<"witness">): Promise<Result> {
  const witness = witnessOf(host);
  const seen = headFrom(call.seen);
  if (call.seen && !seen) throw new HoldError("bad_request", "the head that was seen is none");
  // First: it is what an alarm is for, whatever the disk does now.
  const proof = seen && witness.present(seen, operator.id);
  const current = call.fresh ? null : witness.current();
  const isBehind = current === null || (seen !== null && current.lsn < seen.lsn);
  const head = isBehind ? await witness.fresh() : current;
  return {
    case: "witness",
    value: create(WitnessAnswerSchema, { head: headOnWire(head), ...(proof ? { proof } : {}) }),
  };
}

export async function witnessAccept({ host, operator, via }: CallContext): Promise<Result> {
  witnessOf(host).accept({ id: operator.id, via });
  return { case: "done", value: create(DoneSchema) };
}

function witnessOf({ witness }: Host): HostWitness {
  if (!witness) throw new HoldError("unsupported", "this host hands out no heads of its chain");
  return witness;
}
