/**
 * The console's page, as a host or a relay serves it: files of one folder, code and no data.
 *   P1  What there is is read once, into a list: no address is ever looked up on the disk.
 *   P2  An address of the page's own (a session, a list) is answered with its first file, which looks at the address itself.
 *   P3  No script but the page's own runs there, none is inline, nothing is made into HTML from a text, no other page frames it, and no other origin is
 *       asked for anything but a link to a host.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { HoldError } from "@holdfast/protocol";

/** P1. Anything larger than this is no page of ours. */
const MAX_FILES = 400;
const MAX_BYTES = 32 * 1024 * 1024;

/** P3. Styles are made while it runs, by what draws a terminal. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "font-src 'self'",
  "connect-src 'self' wss:",
  "frame-src 'self' blob:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types holdfast",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy":
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
} as const;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

/** As they stand beside a file, the smaller first. */
const ENCODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/** P2. */
const PLACES = [
  "/",
  "/approvals",
  "/audit",
  "/hosts",
  "/hosts/{host}",
  "/operators",
  "/policy",
  "/settings",
  "/sessions/{host}/{session}",
  "/sessions/{host}/{session}/{view}",
] as const;

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly encoded: Readonly<Record<string, Buffer>>;
  readonly tag: string;
  /** Its name changes with its content. */
  readonly isForGood: boolean;
}

/** The folder that the build puts beside a bundle; for a source in `packages/NAME/src` that of `dist`. `here`: the bundle's or source's folder. */
export function pageFolder(here: string): string {
  const beside = join(here, "console");
  return existsSync(join(beside, "index.html")) ? beside : join(here, "..", "..", "..", "dist", "console");
}

export type PageAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** What answers each address of the page, by path. Throws `unsupported` where there is no page in `folder`. */
export function readPage(folder: string): Readonly<Record<string, PageAnswer>> {
  if (!existsSync(join(folder, "index.html")))
    throw new HoldError("unsupported", `there is no page in ${folder}: npm run build makes it`);
  const found = new Map<string, PageFile>();
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const type = TYPES[extname(entry.name)];
    if (!entry.isFile() || !type) continue;
    bytes += statSync(path).size;
    if (found.size >= MAX_FILES || bytes > MAX_BYTES)
      throw new HoldError(
        "unsupported",
        `${folder} is no page of ours: it has more than ${MAX_FILES} files, or ${MAX_BYTES} bytes`,
      );
    found.set(`/${relative(folder, path).split(sep).join("/")}`, readOne(path, type));
  }
  const index = found.get("/index.html")!;
  const places = PLACES.map((place) => [place, answering(index)] as const);
  return Object.fromEntries([...places, ...[...found].map(([path, file]) => [path, answering(file)] as const)]);
}

function readOne(path: string, type: string): PageFile {
  const bytes = readFileSync(path);
  const encoded = ENCODINGS.filter(([, suffix]) => existsSync(path + suffix)).map(
    ([name, suffix]) => [name, readFileSync(path + suffix)] as const,
  );
  const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
  return { type, bytes, encoded: Object.fromEntries(encoded), tag, isForGood: /-[\w-]{8}\.[a-z0-9]+$/.test(path) };
}

function answering({ type, bytes, encoded, tag, isForGood }: PageFile): PageAnswer {
  return (request, response) => {
    const wished = String(request.headers["accept-encoding"] ?? "").split(/\s*,\s*/);
    const [encoding] = ENCODINGS.map(([name]) => name).filter((name) => name in encoded && wished.includes(name));
    const body = encoding ? encoded[encoding]! : bytes;
    const headers = {
      ...HEADERS,
      "Content-Type": type,
      "Cache-Control": isForGood ? "public, max-age=31536000, immutable" : "no-cache",
      ETag: tag,
      Vary: "Accept-Encoding",
    };
    if (request.headers["if-none-match"] === tag) return void response.writeHead(304, headers).end();
    response.writeHead(200, {
      ...headers,
      "Content-Length": body.length,
      ...(encoding ? { "Content-Encoding": encoding } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}
