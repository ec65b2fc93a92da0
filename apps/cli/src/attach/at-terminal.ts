/** A session at a person's terminal: its own terminal, or a kernel's console. */
import { SessionKind } from "@holdfast/sdk";
import type { Context } from "../app/context.ts";
import type { AttachRequest } from "./interactive.ts";

export async function attachAtTerminal(context: Context, request: AttachRequest): Promise<number> {
  const session = await (await context.client()).show(request.session);
  if (session.kind === SessionKind.KERNEL) {
    const { attachKernel } = await import("../kernel-console/attach.ts");
    return attachKernel(context, session, request.observe);
  }
  const { attachInteractive } = await import("./interactive.ts");
  return attachInteractive(context, request);
}
