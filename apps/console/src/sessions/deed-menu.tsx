/** What can be done with a session, as its state allows. */
import { Ellipsis } from "lucide-react";
import type { ReactNode } from "react";
import { MenuButton, MenuItem } from "../design/controls.tsx";
import type { Deed } from "./deed.tsx";
import type { Listed } from "./listed.ts";
import { lookOf } from "./state.ts";

export function DeedMenu({ one, onDeed }: { readonly one: Listed; readonly onDeed: (deed: Deed) => void }): ReactNode {
  const { isLive } = lookOf(one.session);
  return (
    <MenuButton
      label={`What can be done with ${one.session.name}`}
      icon={<Ellipsis size={16} />}
      onAction={(verb) => onDeed({ ...one, verb: verb as Deed["verb"] })}
    >
      <MenuItem id="rename">Rename</MenuItem>
      {isLive ? <MenuItem id="share">Share</MenuItem> : null}
      {isLive ? (
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
