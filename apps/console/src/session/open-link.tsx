/** A link that a program printed: where it really leads, before it is followed. */
import { LogOut } from "lucide-react";
import type { ReactNode } from "react";
import { Button, Dialog } from "../design/controls.tsx";
import css from "./session.module.css";
import { followLink } from "./terminal-view.ts";

/** `url`: null, and nothing is asked. */
export function OpenLink({ url, onDone }: { readonly url: string | null; readonly onDone: () => void }): ReactNode {
  const host = url === null ? "" : new URL(url).host;
  return (
    <Dialog title="Open this link?" about="A program in the session printed it." isOpen={url !== null} onClose={onDone} isAlert>
      <code className={css.paste}>{url}</code>
      {host ? <p>It leads to {host}.</p> : null}
      <footer>
        <Button onPress={onDone}>Cancel</Button>
        <Button
          look="primary"
          onPress={() => {
            if (url) followLink(url);
            onDone();
          }}
        >
          <LogOut size={15} aria-hidden /> Open
        </Button>
      </footer>
    </Dialog>
  );
}
