/** Said wherever somebody would manage a host that a relay leads to. */
import type { ReactNode } from "react";
import { Banner } from "../design/controls.tsx";
import type { HostLink } from "./host-link.ts";

/** Nothing for a host that is reached itself. */
export function NotEndToEnd({ link }: { readonly link: HostLink }): ReactNode {
  const { relay } = link;
  if (relay === null) return null;
  return (
    <Banner tone="warn">
      <span>
        {relay} leads to {link.name}, not end to end: it can read what passes, change what you see and type as you. So operators,
        policy and approvals of that host are not managed from here.
      </span>
    </Banner>
  );
}
