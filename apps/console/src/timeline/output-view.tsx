/** What a command printed, drawn by a terminal that nothing can be typed into. */
import type { HostClient, Session } from "@holdfast/sdk";
import "@xterm/xterm/css/xterm.css";
import { Terminal } from "@xterm/xterm";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useStore } from "../store.ts";
import { look } from "../theme/look.ts";
import { outputOf } from "./command-output.ts";
import type { Item, TerminalSize } from "./item.ts";
import css from "./timeline.module.css";

const ROWS = 14;
const SCROLLBACK = 20_000;

export interface OutputViewProps {
  readonly client: HostClient;
  readonly session: Session;
  readonly item: Item;
  /** Of the terminal then; null: not known. */
  readonly size: TerminalSize | null;
}

export function OutputView({ client, session, item, size }: OutputViewProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const { colours, fontFamily } = useStore(look);
  const terminal = useRef<Terminal | null>(null);
  const [note, setNote] = useState("Reading what it printed");
  const first = useRef({ item, session, size, colours, fontFamily });
  useEffect(() => {
    const { item, session, size, colours, fontFamily } = first.current;
    const cols = size?.cols ?? session.size?.cols ?? 80;
    const made = new Terminal({
      ...{ cols, rows: ROWS, scrollback: SCROLLBACK, disableStdin: true, fontSize: 12, theme: colours, fontFamily },
      cursorInactiveStyle: "none",
    });
    terminal.current = made;
    made.open(frame.current!);
    const over = new AbortController();
    outputOf(client, session.id, item, over.signal).then(
      ({ bytes, isCut, gap }) => {
        if (over.signal.aborted) return;
        made.write(bytes, () => made.scrollToTop());
        setNote(
          bytes.length === 0 && !gap ? "It printed nothing." : `${isCut ? "Only the last MiB of what it printed. " : ""}${gap}`,
        );
      },
      (fault: unknown) => over.signal.aborted || setNote(fault instanceof Error ? fault.message : String(fault)),
    );
    return () => {
      over.abort();
      made.dispose();
    };
  }, [client]);
  useEffect(() => {
    if (terminal.current) terminal.current.options.theme = colours;
  }, [colours]);
  return (
    <>
      {note ? (
        <p className={css.note} role="status">
          {note}
        </p>
      ) : null}
      <div className={css.output} dir="ltr" ref={frame} />
    </>
  );
}
