/** `hold operator invite`. */
import { HoldError, OperatorKind } from "@holdfast/sdk";
import type { Context } from "../app/context.ts";
import { usage } from "../app/fail.ts";
import { operatorKindOf } from "../show/words.ts";
import { addressesOf, tell } from "./invited.ts";

interface InviteFlags {
  readonly device: boolean;
  readonly kind: "human" | "service" | "ai" | undefined;
  readonly role: string | undefined;
  readonly onBehalfOf: string | undefined;
  readonly redeemWithin: number | undefined;
  readonly at: readonly string[];
  readonly json: boolean;
}

export async function run(context: Context, flags: InviteFlags, args: readonly string[]): Promise<undefined> {
  const { device, kind, role, onBehalfOf, redeemWithin } = flags;
  if (device && (kind ?? role ?? onBehalfOf) !== undefined)
    throw usage("--device is for an operator who is here already, with the kind and role that they have");
  const [asked] = args;
  if (!device && asked === undefined)
    throw usage("whom? `hold operator invite NAME`, or --device for another device of your own");
  const client = await context.client();
  const name = asked ?? client.operator.operator!.name;
  const at = await addressesOf(client, flags.at);
  const asking = client.invite({
    ...(device
      ? { operator: name }
      : {
          name,
          kind: operatorKindOf(kind ?? "human") ?? OperatorKind.HUMAN,
          role: role ?? "operator",
          ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
        }),
    ...(redeemWithin === undefined ? {} : { redeemMs: redeemWithin }),
  });
  const invited = await asking.catch((fault: HoldError) => {
    if (fault.code !== "name_taken") throw fault;
    throw new HoldError("name_taken", `${fault.message}, or give --device for another device of theirs`, fault.details);
  });
  tell(context, invited, {
    at,
    operator: name,
    words: device ? `for another device of ${name}` : `${name} is invited, with the role ${invited.invitation.role}`,
    json: flags.json,
  });
  return;
}
