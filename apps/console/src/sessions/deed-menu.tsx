/** What can be done with a session, as its state and its host let one. */
import { Ellipsis } from "lucide-react";
import type { ReactNode } from "react";
import { MenuButton, MenuItem } from "../design/controls.tsx";
import { mayIn, mayOn } from "../host/rights.ts";
import { useStore } from "../store.ts";
import type { Deed } from "./deed.tsx";
import type { Listed } from "./listed.ts";
import { lookOf } from "./state.ts";

export function DeedMenu({ one, onDeed }: { readonly one: Listed; readonly onDeed: (deed: Deed) => void }): ReactNode {
  const { link, session } = one;
  useStore(link.rights);
  const { isLive } = lookOf(session);
  const [mayName, mayShare, mayEnd] = [
    mayIn(link, "session.create"),
    mayOn(link, "host.admin"),
    mayIn(link, "session.terminate"),
  ];
  if (!mayName && !(mayShare && isLive) && !mayEnd) return null;
  return (
    <MenuButton
      label={`What can be done with ${session.name}`}
      icon={<Ellipsis size={16} />}
      onAction={(verb) => onDeed({ ...one, verb: verb as Deed["verb"] })}
    >
      {mayName ? <MenuItem id="rename">Rename</MenuItem> : null}
      {mayShare && isLive ? <MenuItem id="share">Share</MenuItem> : null}
      {!mayEnd ? null : isLive ? (
        <MenuItem id="end" tone="bad">
          End
        </MenuItem>
      ) : (
        <MenuItem id="remove" tone="bad">
          Remove its record
        </MenuItem>
      )}
    </MenuButton>
  );
}
