/** A page in Debian's Chromium, which runs the SDK's root, and is an operator with a key of its own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { fact } from "./processes.ts";

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

/** The page makes itself a key, `pair` in it. Resolves with the public one. */
export async function keyIn(shown: Page): Promise<Uint8Array> {
  const key = (await shown.evaluate(`(async () => {
    globalThis.pair = await holdfast.generateKeyPair();
    return [...(await holdfast.publicKeyOf(pair))];
  })()`)) as number[];
  return Uint8Array.from(key);
}

/** In a page: the fields with which it connects to a host that has that key, by its own. */
export function dialledIn(at: Readonly<Record<string, string>>, hostKey: Uint8Array): string {
  const fields = Object.entries(at).map(([name, value]) => `${name}: ${JSON.stringify(value)}, `);
  return `{ ${fields.join("")}hostKey: Uint8Array.from(${JSON.stringify([...hostKey])}), credential: await holdfast.credentialFrom(pair) }`;
}

/** One attachment of a page's `client`, `attachment` in it. */
export class PageAttachment {
  readonly #page: Page;

  private constructor(shown: Page) {
    this.#page = shown;
  }

  static async at(shown: Page, session: string): Promise<PageAttachment> {
    await shown.evaluate(`(async () => {
      globalThis.seen = "";
      globalThis.links = [];
      const text = new TextDecoder();
      globalThis.attachment = await client.attach(
        { session: ${JSON.stringify(session)}, take: true, size: { cols: 80, rows: 24 } },
        {
          snapshot: ({ vt }) => { seen += text.decode(vt); },
          output: ({ bytes }) => { seen += text.decode(bytes); },
          link: (state, { resumed }) => { links.push(state + resumed); },
          // A busy machine may be without a link for more than 5 s: what is typed then goes out on its word.
          held: () => attachment.flushHeld(),
        },
      );
    })()`);
    return new PageAttachment(shown);
  }

  /** Resolves with the input's status. */
  types(line: string): Promise<unknown> {
    const bytes = `new TextEncoder().encode(${JSON.stringify(`${line}\r`)})`;
    return this.#page.evaluate(`attachment.input(${bytes}).then((o) => o.status)`);
  }

  sees(what: string): Promise<true> {
    return fact(`the page sees ${what}`, async () => ((await this.#page.evaluate("seen")) as string).includes(what) || null);
  }

  /** What it was told of its link: `attachedtrue` is back, and the same attachment. */
  links(): Promise<unknown> {
    return this.#page.evaluate("links");
  }
}
