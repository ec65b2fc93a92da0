/** Said above every screen while a host is none, but the record of one that was read from its mirror. */
import type { ReactNode } from "react";
import { Banner } from "../design/controls.tsx";
import { exactText } from "../design/time.ts";
import { useStore } from "../store.ts";
import type { HostLink } from "./host-link.ts";
import { useHostState } from "./hosts.ts";

export function FromMirror({ links }: { readonly links: readonly HostLink[] }): ReactNode {
  return links.map((link) => <Said key={link.host.id} link={link} isOne={links.length === 1} />);
}

function Said({ link, isOne }: { readonly link: HostLink; readonly isOne: boolean }): ReactNode {
  const record = useStore(link.record);
  const { is } = useHostState(link);
  if (!record) return null;
  return (
    <Banner tone="warn">
      <span>
        {isOne ? "From" : `${link.name}: from`} the mirror <code>{record.url}</code>, as of{" "}
        <time dateTime={new Date(record.asOfUnixMs).toISOString()}>{exactText(record.asOfUnixMs)}</time>: nothing of this is live.
        {is === "offline"
          ? " The command that read it has ended; hold console --from-mirror reads it again, with a new link."
          : ""}
      </span>
    </Banner>
  );
}
