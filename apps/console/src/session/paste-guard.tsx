/** A paste of several lines, or with control characters, is shown before it is typed: a shell runs each line that it is given. */
import { shownExactly } from "@holdfast/sdk";
import { type ClipboardEvent, type ReactNode, useState } from "react";
import { Button, Dialog } from "../design/controls.tsx";
import css from "./session.module.css";
import type { TerminalView } from "./terminal-view.ts";

const NEEDS_A_LOOK = /[\n\r\u0000-\u0008\u000b-\u001f\u007f]/;
const SHOWN_CHARS = 4_000;

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
      if (pasted === "" || !NEEDS_A_LOOK.test(pasted.replace(/\n$/, ""))) return;
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
  const lines = text.split(/\r\n|\r|\n/).length;
  return (
    <Dialog
      title={`Paste ${lines} lines?`}
      about={`${new TextEncoder().encode(text).length} bytes. A program that does not know pastes runs each line as it comes.`}
      isOpen
      isAlert
      onClose={() => onDone(false)}
    >
      <pre className={css.paste}>
        {text
          .slice(0, SHOWN_CHARS)
          .split(/\r\n|\r|\n/)
          .map((line) => shownExactly(new TextEncoder().encode(line)))
          .join("\n")}
        {text.length > SHOWN_CHARS ? `\n… and ${text.length - SHOWN_CHARS} more characters` : ""}
      </pre>
      <footer>
        <Button onPress={() => onDone(false)}>Cancel</Button>
        <Button look="primary" autoFocus onPress={() => onDone(true)}>
          Paste
        </Button>
      </footer>
    </Dialog>
  );
}
