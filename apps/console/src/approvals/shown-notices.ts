/**
 * The system's notices of this page, made where the browser lets them be made: by the page's worker, which outlives the page and is all that a phone has, else by the page.
 *   N1  A notice closes when its request is decided, wherever that was done; a host that does not answer decides nothing.
 * Elsewhere: where a press on one of the worker's leads (worker/worker.ts S3).
 */
import type { HostLink } from "../host/host-link.ts";
import { paths } from "../shell/routes.ts";
import type { Asked } from "./approvals.ts";

const ofPage = new Map<string, Notification>();

export async function notify({ id, approval }: Asked, open: () => void): Promise<void> {
  const title = `${approval.actorName} waits for you`;
  const told = { body: approval.sessionName, tag: id };
  const worker = await registration();
  if (worker) return worker.showNotification(title, { ...told, data: paths.approvals });
  try {
    const notice = new Notification(title, told);
    ofPage.set(id, notice);
    notice.addEventListener("close", () => ofPage.delete(id));
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      open();
    });
  } catch {
    // A phone's browser lets no page make one; what waits is counted in the page.
  }
}

/** N1. Also those that a page before this one made. */
export async function closeDecided(asked: readonly Asked[], links: readonly HostLink[]): Promise<void> {
  const waiting = new Set(asked.map(({ id }) => id));
  const shown = [...((await (await registration())?.getNotifications()) ?? []), ...ofPage.values()];
  const gone = shown.filter(({ tag }) => !waiting.has(tag));
  if (gone.length === 0) return;
  for (const link of links) {
    const here = gone.filter(({ tag }) => tag.startsWith(`${link.host.id} `));
    const state = link.state.value;
    if (here.length === 0 || state.is !== "up") continue;
    // A link that has just come back has not listed what waits yet.
    const pending = await state.client.approvals.list().catch(() => null);
    if (!pending) continue;
    const still = new Set(pending.filter(({ state: is }) => is === "pending").map((one) => `${link.host.id} ${one.id}`));
    for (const notice of here) if (!still.has(notice.tag)) notice.close();
  }
}

/** Of a worker that works. */
async function registration(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator)) return null;
  const found = await navigator.serviceWorker.getRegistration().catch(() => undefined);
  return found?.active ? found : null;
}
