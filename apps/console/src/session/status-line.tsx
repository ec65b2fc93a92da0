/** The line below a session's terminal: whether it is live, what is not confirmed, what was refused or typed by somebody else, its size. */
import { shownExactly } from "@holdfast/sdk";
import type { ReactNode } from "react";
import { Badge, Dot } from "../design/controls.tsx";
import { useStore } from "../store.ts";
import css from "./session.module.css";
import { HELD, type Notice, type TerminalView } from "./terminal-view.ts";

export interface StatusLineProps {
  readonly view: TerminalView;
  /** What a session is called that does not live any more; null: it lives, or is not known. */
  readonly end: string | null;
}

export function StatusLine({ view, end }: StatusLineProps): ReactNode {
  const state = useStore(view.state);
  const size = useStore(view.size);
  const notice = useStore(view.notice);
  const typed = useStore(view.typed);
  const unconfirmed = useStore(view.unconfirmed);
  const waiting = useStore(view.waiting);
  const presence = useStore(view.presence);
  const floor = useStore(view.floor);
  const own = presence.find((p) => p.attachment === view.attachment.value?.id);
  const others = typed && typed.actor !== own?.operator ? typed : null;
  const who = others ? (presence.find((p) => p.operator === others.actor)?.name ?? others.actor) : "";
  return (
    <footer className={css.status}>
      <span className={css.floor} role="status">
        {end ? <Dot hollow /> : <Dot tone={state.is === "attached" ? "good" : state.is === "over" ? "bad" : "warn"} />}
        {end ?? { attaching: "attaching", attached: "live", offline: "offline", over: "not attached" }[state.is]}
      </span>
      {unconfirmed > 0 ? <Badge tone="warn">{unconfirmed} bytes not confirmed</Badge> : null}
      {waiting > 0 ? <Badge tone="warn">{waiting} bytes that you typed wait for the link</Badge> : null}
      {notice ? (
        <span role="alert">
          <Said notice={notice} holder={floor?.holderName ?? ""} />
        </span>
      ) : others ? (
        <>
          <span>
            <bdi>{who}</bdi> typed
          </span>
          <code>{shownExactly(new TextEncoder().encode(others.text))}</code>
        </>
      ) : null}
      <span>
        <bdi dir="ltr">{size ? `${size.cols}×${size.rows}` : ""}</bdi>
      </span>
    </footer>
  );
}

/** The host tells whoever reads terminals what to press there: here that stands above. */
function Said({ notice: { code, text }, holder }: { readonly notice: Notice; readonly holder: string }): ReactNode {
  if (code === HELD && holder !== "")
    return (
      <>
        <Badge tone="warn">not typed</Badge> <bdi>{holder}</bdi> steers: take the floor, or ask for it, above.
      </>
    );
  return (
    <>
      <Badge tone="warn">{code || "refused"}</Badge> {text}
    </>
  );
}
