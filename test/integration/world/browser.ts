/** A page in Debian's Chromium, which runs the SDK's root. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";

const ROOT = new URL("../../..", import.meta.url).pathname;

/** What a page runs: the SDK under a global name, for the platform that has no Node. */
export async function bundled(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: 'export * from "@holdfast/sdk";', resolveDir: ROOT },
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    globalName: "holdfast",
    target: "es2024",
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

export async function page(script: string): Promise<{ readonly page: Page; readonly origin: string }> {
  const server = createServer((request, response) => {
    if (request.url === "/sdk.js") response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
    else response.writeHead(200, { "Content-Type": "text/html" }).end('<!doctype html><script src="/sdk.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Chromium's own sandbox needs rights that a container's root lacks; the page is ours.
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  onTestFinished(async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const opened = await browser.newPage();
  await opened.goto(origin);
  return { page: opened, origin };
}
