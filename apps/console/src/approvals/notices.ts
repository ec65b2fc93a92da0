/** Notices of the system for what waits, where this person has allowed them. They name who asks and where, and nothing of what is asked. */
import { useEffect, useRef } from "react";
import type { Asked } from "./approvals.ts";

const isThere = "Notification" in globalThis;
export const noticesAre = (): NotificationPermission => (isThere ? Notification.permission : "denied");

export const askForNotices = (): Promise<NotificationPermission> => Notification.requestPermission();

/** One for each that is new, while nobody looks at the page. `open`: shows what waits, in the page that was brought to the front. */
export function useNotices(asked: readonly Asked[], open: () => void): void {
  const told = useRef(new Set<string>());
  const opens = useRef(open);
  opens.current = open;
  useEffect(() => {
    for (const one of asked) {
      if (told.current.has(one.id)) continue;
      told.current.add(one.id);
      if (isThere && Notification.permission === "granted" && document.hidden) notify(one, () => opens.current());
    }
  }, [asked]);
}

function notify({ id, approval }: Asked, open: () => void): void {
  try {
    const notice = new Notification(`${approval.actorName} waits for you`, { body: approval.sessionName, tag: id });
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      open();
    });
  } catch {
    // A phone's browser lets no page make one; what waits is counted in the page.
  }
}
