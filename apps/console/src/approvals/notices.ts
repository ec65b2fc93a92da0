/** Notices of the system for what waits, where this person has allowed them. They name who asks and where, and nothing of what is asked. */
import { useEffect, useRef } from "react";
import type { HostLink } from "../host/host-link.ts";
import type { FromWorker } from "../offline/messages.ts";
import { paths } from "../shell/routes.ts";
import type { Asked } from "./approvals.ts";

const isThere = "Notification" in globalThis;
export const noticesAre = (): NotificationPermission => (isThere ? Notification.permission : "denied");

export const askForNotices = (): Promise<NotificationPermission> => Notification.requestPermission();

/** One for each that is new, while nobody looks at the page; gone when it is decided. `go`: shows a screen, in the page that was brought to the front. */
export function useNotices(asked: readonly Asked[], links: readonly HostLink[], go: (path: string) => void): void {
  const told = useRef(new Set<string>());
  /** What waited when that was looked at last, and which hosts answered: one that answers again may have decided meanwhile. Null: never. */
  const seen = useRef<string | null>(null);
  const goes = useRef(go);
  goes.current = go;
  useEffect(() => {
    const { serviceWorker } = navigator;
    const heard = ({ data }: MessageEvent<FromWorker>): void => {
      if (data?.is === "go") goes.current(data.path);
    };
    serviceWorker?.addEventListener("message", heard);
    return () => serviceWorker?.removeEventListener("message", heard);
  }, []);
  useEffect(() => {
    const up = links.filter(({ state }) => state.value.is === "up");
    const now = [...asked.map(({ id }) => id), ...up.map(({ host }) => host.id)].join();
    if (seen.current === now) return;
    seen.current = now;
    const fresh = asked.filter(({ id }) => !told.current.has(id));
    for (const { id } of fresh) told.current.add(id);
    if (noticesAre() !== "granted") return;
    const away = document.hidden ? fresh : [];
    // Who allows none needs none of it.
    import("./shown-notices.ts")
      .then(async ({ notify, closeDecided }) => {
        for (const one of away) await notify(one, () => goes.current(paths.approvals));
        await closeDecided(asked, links);
      })
      .catch(() => {});
  }, [asked, links]);
}
