/** What is pasted into a session's terminal: shown first where it needs a look (paste.ts). */
import { type ClipboardEvent, type ReactNode, useState } from "react";
import { Button, Dialog } from "../design/controls.tsx";
import { needsALook, shownPaste } from "./paste.ts";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

export interface Guarded {
  readonly onPaste: (event: ClipboardEvent) => void;
  /** What waits for a decision. */
  readonly text: string | null;
  readonly decide: (does: boolean) => void;
}

export function usePasteGuard(view: TerminalView): Guarded {
  const [text, setText] = useState<string | null>(null);
  return {
    text,
    onPaste: (event) => {
      const pasted = event.clipboardData.getData("text/plain");
      if (!needsALook(pasted)) return;
      event.preventDefault();
      event.stopPropagation();
      setText(pasted);
    },
    decide: (does) => {
      if (does && text !== null) view.paste(text);
      setText(null);
      view.terminal.focus();
    },
  };
}

export function PasteGuard({ text, onDone }: { readonly text: string; readonly onDone: (does: boolean) => void }): ReactNode {
  const shown = shownPaste(text);
  return (
    <Dialog
      title={shown.title}
      about={`${shown.bytes} bytes. A program that does not know pastes runs each line as it comes.`}
      isOpen
      isAlert
      onClose={() => onDone(false)}
    >
      <pre className={css.paste}>{shown.text}</pre>
      <footer>
        <Button onPress={() => onDone(false)}>Cancel</Button>
        <Button look="primary" autoFocus onPress={() => onDone(true)}>
          Paste
        </Button>
      </footer>
    </Dialog>
  );
}
