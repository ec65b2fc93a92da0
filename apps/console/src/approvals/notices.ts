/** Notices of the system for what waits, where this person has allowed them. They name who asks and where, and nothing of what is asked. */
import { useEffect, useRef } from "react";
import type { Asked } from "./approvals.ts";

const isThere = "Notification" in globalThis;
export const noticesAre: NotificationPermission = isThere ? Notification.permission : "denied";

export const askForNotices = (): Promise<NotificationPermission> => Notification.requestPermission();

/** One for each that is new, while nobody looks at the page. */
export function useNotices(asked: readonly Asked[]): void {
  const told = useRef(new Set<string>());
  useEffect(() => {
    for (const { id, approval } of asked) {
      if (told.current.has(id)) continue;
      told.current.add(id);
      if (!isThere || Notification.permission !== "granted" || !document.hidden) continue;
      new Notification(`${approval.actorName} waits for you`, { body: approval.sessionName, tag: id });
    }
  }, [asked]);
}
