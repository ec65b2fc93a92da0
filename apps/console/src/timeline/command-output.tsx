/** What one command printed, drawn by a terminal of the session's width: bytes of the journal, and never markup. */
import "@xterm/xterm/css/xterm.css";
import { escapeText, type HostClient, readJournal, type Session } from "@holdfast/sdk";
import { Terminal } from "@xterm/xterm";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Button, Dialog } from "../design/controls.tsx";
import { scheme } from "../design/scheme.ts";
import { themes } from "../session/terminal-theme.ts";
import type { TimelineEntry } from "./timeline.ts";
import css from "./timeline.module.css";

export interface CommandOutputProps {
  readonly client: HostClient;
  readonly session: Session;
  readonly command: Extract<TimelineEntry, { kind: "command" }>;
  readonly onDone: () => void;
}

/** More than this of a command's output is not shown here: the timeline is for looking, `hold log` for all of it. */
const MOST_BYTES = 4 * 1024 * 1024;

/** The shell's marks stand in the output, and what is printed right behind one may be in the same record: that comes before the command does. */
const BEFORE_SEQS = 64;

export function CommandOutput({ client, session, command, onDone }: CommandOutputProps): ReactNode {
  const frame = useRef<HTMLDivElement>(null);
  const [told, setTold] = useState("Reading…");
  useEffect(() => {
    const over = new AbortController();
    const terminal = new Terminal({
      cols: session.size?.cols ?? 80,
      rows: 24,
      fontFamily: '"JetBrains Mono Variable", monospace',
      fontSize: 12,
      scrollback: 50_000,
      disableStdin: true,
      theme: themes[scheme.value],
    });
    terminal.open(frame.current!);
    draw(client, session.id, command, terminal, over.signal).then(setTold, (fault: unknown) =>
      setTold(fault instanceof Error ? fault.message : String(fault)),
    );
    return () => {
      over.abort();
      terminal.dispose();
    };
  }, [client, session.id, session.size, command]);
  return (
    <Dialog title={escapeText(command.text)} about={`in ${command.cwd}. ${told}`} isOpen isWide onClose={onDone}>
      <div className={css.output} ref={frame} />
      <footer>
        <Button look="primary" onPress={onDone}>
          Close
        </Button>
      </footer>
    </Dialog>
  );
}

async function draw(
  client: HostClient,
  session: string,
  { seq, fromOffset, end }: CommandOutputProps["command"],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string> {
  let [drawn, gaps] = [0, 0];
  const to = end?.toOffset ?? Number.POSITIVE_INFINITY;
  for await (const item of readJournal(client, session, {
    after: Math.max(0, seq - BEFORE_SEQS),
    signal,
    ...(end ? { to: end.seq } : {}),
  })) {
    if (item.type === "gap") gaps++;
    if (item.type !== "output" || item.end <= fromOffset || item.offset >= to) continue;
    const bytes = item.bytes.subarray(Math.max(0, fromOffset - item.offset), item.end > to ? to - item.offset : undefined);
    drawn += bytes.length;
    await new Promise<void>((done) => terminal.write(bytes, done));
    if (drawn > MOST_BYTES) return `The first ${MOST_BYTES} bytes; hold log ${session} --raw has all of it.`;
  }
  terminal.scrollToTop();
  return `${drawn} bytes${gaps > 0 ? `, ${gaps} gaps: some of it is not kept any more` : ""}.`;
}
