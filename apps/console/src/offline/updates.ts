/**
 * Has the browser keep the page, and knows when there is a newer one.
 *   U1  A newer one is said, and taken when whoever is here says so: what they are at is not taken from them.
 */
import { Store } from "../store.ts";
import { workerAddress } from "../trusted.ts";
import type { ToWorker } from "./messages.ts";

/** A newer page waits. */
export const isNewerThere = new Store(false);

const LOOK_MS = 3_600_000;
let registration: ServiceWorkerRegistration | null = null;

/** `script`: the page's own first one, by whose name a worker knows whether it is of this page. Where there are no workers nothing is kept. */
export async function keepPage(script: string): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const made = await navigator.serviceWorker.register(workerAddress(), { scope: "/", updateViaCache: "none" });
  registration = made;
  const look = (): void => void (navigator.serviceWorker.controller && made.waiting && consider(made.waiting, script));
  made.addEventListener("updatefound", () => made.installing?.addEventListener("statechange", look));
  look();
  setInterval(lookForNewer, LOOK_MS);
}

/** Asks the host: it was away, and may have come back as another. */
export function lookForNewer(): void {
  registration?.update().catch(() => {});
}

/** U1. */
export function takeNewer(): void {
  const waiting = registration?.waiting;
  if (!waiting) return location.reload();
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  tell(waiting, { is: "take-over" });
}

function consider(waiting: ServiceWorker, script: string): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data: isOwn }) => isNewerThere.set(isOwn !== true);
  tell(waiting, { is: "page", script }, port2);
}

function tell(worker: ServiceWorker, what: ToWorker, answer?: MessagePort): void {
  worker.postMessage(what, answer ? [answer] : []);
}
