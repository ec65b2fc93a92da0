/** `hold kernel serve`. */
import { resolve } from "node:path";
import type { JupyterPlace } from "@holdfast/sdk";
import { type Context, jsonLine, line } from "../app/context.ts";
import { usage } from "../app/fail.ts";

interface ServeFlags {
  readonly listen: string | undefined;
  readonly root: string | undefined;
  readonly off: boolean;
  readonly json: boolean;
}

export async function run(context: Context, { listen, root, off, json }: ServeFlags): Promise<undefined> {
  if (off && (listen !== undefined || root !== undefined)) throw usage("--off closes it: where it was is no matter");
  const client = await context.client();
  if (off) {
    await client.kernels.endServe();
    if (json) jsonLine(context.out, { url: null });
    return;
  }
  const place = await client.kernels.serve({
    env: context.env,
    ...(listen === undefined ? {} : { listen }),
    ...(root === undefined ? {} : { root: resolve(context.cwd, root) }),
  });
  const { url, token, untilUnixMs, root: folder } = place;
  if (json) {
    jsonLine(context.out, { url, token, until: new Date(untilUnixMs).toISOString(), root: folder });
    return;
  }
  line(context.out, `${url}/?token=${token}`);
  if (context.err.isTty) for (const said of steps(place)) line(context.err, said);
  return;
}

function steps({ url, token }: JupyterPlace): string[] {
  const socket = url.replace(/^http/, "ws");
  return [
    "",
    `JupyterLab, Notebook   jupyter lab --gateway-url=${url} --GatewayClient.auth_token=${token}`,
    "VS Code                Select Kernel, Existing Jupyter Server: the address above",
    `@jupyterlab/services   ServerConnection.makeSettings({ baseUrl: "${url}/", wsUrl: "${socket}/", token })`,
  ];
}
