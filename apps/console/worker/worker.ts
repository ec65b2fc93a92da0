/**
 * The page's service worker: keeps the files of one build, and answers with them (src/offline/kept.ts says with which, and when).
 *   S1  What is kept is the list that the build wrote here, fetched whole before this worker takes over; nothing that passes by is ever added.
 *   S2  It takes over from the one before when a page says so, or when it was made with the page that asks.
 *   S3  A notice that was pressed leads to its screen: in the page that was looked at last, which comes to the front, or in a new one.
 */
import { answerTo, isNamedByContent } from "../src/offline/kept.ts";
import type { FromWorker, ToWorker } from "../src/offline/messages.ts";

declare const PAGE: { readonly version: string; readonly files: readonly string[] };

const scope = self as unknown as ServiceWorkerGlobalScope;
const { version, files } = PAGE;
const NAME = `holdfast-page-${version}`;
/** A host that is there answers its own machine at once; one far away that needs longer is waited for behind the page. */
const PATIENCE_MS = 3_000;

scope.addEventListener("install", (event) => event.waitUntil(keep()));
scope.addEventListener("activate", (event) => event.waitUntil(begin()));
scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const answer = answerTo(request, scope.location.origin, files);
  if (answer.from === "kept") event.respondWith(keptOr(answer.path, request));
  if (answer.from === "host") event.respondWith(fromHost(answer.path, request));
});
scope.addEventListener("message", ({ data, ports: [answer] }) => {
  const asked = data as ToWorker;
  const isOwn = asked.is === "page" && files.includes(asked.script);
  answer?.postMessage(isOwn);
  if (isOwn || asked.is === "take-over") void scope.skipWaiting();
});

scope.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(leadTo(String(event.notification.data)));
});

/** S3. */
async function leadTo(path: string): Promise<void> {
  const [page] = await scope.clients.matchAll({ type: "window" });
  if (!page) return void (await scope.clients.openWindow(path));
  page.postMessage({ is: "go", path } satisfies FromWorker);
  await page.focus();
}

/** S1. */
async function keep(): Promise<void> {
  const cache = await caches.open(NAME);
  const asks = (path: string): Request =>
    new Request(path, { credentials: "omit", cache: isNamedByContent(path) ? "default" : "no-cache", redirect: "error" });
  await cache.addAll(files.map(asks));
}

async function begin(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== NAME).map((name) => caches.delete(name)));
  await scope.clients.claim();
}

async function keptOr(path: string, request: Request): Promise<Response> {
  return (await kept(path)) ?? fetch(request);
}

async function kept(path: string): Promise<Response | undefined> {
  return (await caches.open(NAME)).match(path, { ignoreVary: true });
}

async function fromHost(path: string, request: Request): Promise<Response> {
  const asked = fetch(request);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS));
  const answered = await Promise.race([asked, late]).catch(() => undefined);
  if (answered && answered.status < 500) return answered;
  return (await kept(path)) ?? asked;
}
