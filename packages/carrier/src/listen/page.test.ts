import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";
import { readPage } from "./page.ts";

const SCRIPT = "console.log('a page')";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "hold-page-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  mkdirSync(join(made, "assets"));
  writeFileSync(join(made, "index.html"), "<!doctype html>");
  writeFileSync(join(made, "assets", "index-AbC_12-9.js"), SCRIPT);
  writeFileSync(join(made, "assets", "index-AbC_12-9.js.gz"), gzipSync(SCRIPT));
  writeFileSync(join(made, "notes.txt"), "not of the page");
  symlinkSync("/etc/hostname", join(made, "linked.js"));
  return made;
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** As a listener does: by the path alone. */
async function served(
  page: ReturnType<typeof readPage>,
): Promise<(path: string, headers?: object, method?: string) => Promise<Got>> {
  const server = createServer((asked, response) => {
    const answer = page[asked.url!];
    if (answer) answer(asked, response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return (path, headers = {}, method = "GET") =>
    new Promise((resolve) => {
      request({ port, path, method, headers: { ...headers }, agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("end", () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(parts) }),
        );
      }).end();
    });
}

test("a page's own files are served and nothing else of its folder, and each of its places answers with its first file", async () => {
  const page = readPage(folder());
  expect(Object.keys(page).filter((path) => path.includes("."))).toEqual(
    expect.arrayContaining(["/index.html", "/assets/index-AbC_12-9.js"]),
  );
  for (const path of ["/notes.txt", "/linked.js", "/assets/index-AbC_12-9.js.gz"]) expect(Object.keys(page)).not.toContain(path);
  const get = await served(page);
  expect((await get("/")).body.toString()).toBe("<!doctype html>");
  expect((await get("/hosts")).body.toString()).toBe("<!doctype html>");
  expect((await get("/../etc/hostname")).status).toBe(404);
});

test("no script but the page's own may run in it, and no other page may frame it", async () => {
  const get = await served(readPage(folder()));
  for (const path of ["/", "/assets/index-AbC_12-9.js"]) {
    const { headers } = await get(path);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/script-src[^;]*unsafe|\*/);
    for (const part of ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'"])
      expect(policy).toContain(part);
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
  }
});

test("a file whose name is its content's is kept for good, the first file is asked for each time, and what is unchanged is not sent again", async () => {
  const get = await served(readPage(folder()));
  const script = await get("/assets/index-AbC_12-9.js");
  expect(script.headers["cache-control"]).toBe("public, max-age=31536000, immutable");
  const first = await get("/");
  expect(first.headers["cache-control"]).toBe("no-cache");
  const again = await get("/", { "If-None-Match": first.headers["etag"] });
  expect([again.status, again.body.length]).toEqual([304, 0]);
  expect((await get("/", {}, "HEAD")).body.length).toBe(0);
});

test("who takes a compressed file gets that, and its bytes are the file's", async () => {
  const get = await served(readPage(folder()));
  const packed = await get("/assets/index-AbC_12-9.js", { "Accept-Encoding": "gzip, br" });
  expect(packed.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(packed.body).toString()).toBe(SCRIPT);
  expect((await get("/assets/index-AbC_12-9.js")).body.toString()).toBe(SCRIPT);
});

test("a folder without a page says what makes one", () => {
  expect(() => readPage(join(tmpdir(), "no-such-page"))).toThrow(/npm run build/);
});
