/** `hold kernel serve`: the endpoint for clients of Jupyter, and a token for who asks. */
import { isAbsolute } from "node:path";
import { statSync } from "node:fs";
import { create, HoldError, KernelAnswerSchema, type KernelServe, textOf } from "@holdfast/protocol";
import type { CallContext, Result } from "./context.ts";

/** Of the caller's environment: what kernels are found and started by, and nothing that may be a secret. */
const KEPT = new Set([
  ...["PATH", "HOME", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV", "CONDA_PREFIX", "XDG_DATA_HOME"],
  ...["JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_PREFER_ENV_PATH"],
]);

/** Who may not open it has a token where an admin has. */
export async function serveCall(ctx: CallContext, call: KernelServe): Promise<Result> {
  const { host, operator, via, keyId = "", isBearer } = ctx;
  const door = host.jupyter;
  if (!door) throw new HoldError("unsupported", "this host serves no clients of Jupyter");
  const was = door.url ?? "";
  if (call.off) {
    host.demand(operator, "host.admin", null);
    await door.close();
    if (was !== "") host.recordOperator({ id: operator.id, via }, operator.id, "jupyter_closed", was);
    return { case: "kernel", value: create(KernelAnswerSchema, { served: {} }) };
  }
  host.demand(operator, "session.input", null);
  // It would outlive a grant, and be worth more than one that leaves something out.
  if (isBearer || operator.narrowed || operator.guest)
    throw new HoldError(
      "not_permitted",
      "a token is for who proves a key of their own, and not for the bearer of a grant or a guest",
    );
  const isChange =
    was === "" || (call.listen !== "" && call.listen !== new URL(was).host) || (call.root !== "" && call.root !== door.root);
  if (isChange) {
    host.demand(operator, "host.admin", null);
    checkRoot(call.root);
    const env = call.env.map(textOf).filter((kv) => KEPT.has(kv.slice(0, kv.indexOf("="))));
    await door.open({ listen: call.listen, root: call.root, env });
    host.recordOperator({ id: operator.id, via }, operator.id, "jupyter_opened", door.url ?? "");
  }
  const { url, token, untilUnixMs, root } = door.mint(operator, keyId);
  host.recordOperator({ id: operator.id, via }, operator.id, "jupyter_token", "");
  const served = { url, token, untilUnixMs: BigInt(untilUnixMs), root };
  return { case: "kernel", value: create(KernelAnswerSchema, { served }) };
}

function checkRoot(root: string): void {
  if (root === "") return;
  if (!isAbsolute(root)) throw new HoldError("bad_request", `the folder ${JSON.stringify(root)} must be an absolute path`);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory())
    throw new HoldError("bad_request", `${JSON.stringify(root)} is no folder of this machine`);
}
