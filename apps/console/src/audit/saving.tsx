/** What the filters show, as a file: read to the beginning first, and given to the browser then. */
import type { AuditQuery, HostClient } from "@holdfast/sdk";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "../design/controls.tsx";
import css from "./audit.module.css";
import { exportLines, save } from "./export.ts";

export interface SavingProps {
  readonly client: HostClient;
  readonly host: string;
  readonly query: AuditQuery;
  readonly onDone: () => void;
}

export function Saving({ client, host, query, onDone }: SavingProps): ReactNode {
  const [records, setRecords] = useState(0);
  const [end, setEnd] = useState<{ readonly text: string; readonly isWrong: boolean } | null>(null);
  // As the filters stood when it was begun.
  const [asked] = useState(query);
  useEffect(() => {
    const over = new AbortController();
    exportLines(client, { ...asked, printed: asked.kinds?.length === 0, signal: over.signal }, setRecords).then(
      (exported) => {
        if (over.signal.aborted) return;
        save(exported.lines, `audit-${host.replace(/[^\w.-]+/g, "-")}-${new Date().toISOString().slice(0, 10)}.jsonl`);
        const text = exported.isCut
          ? `Saved the newest ${exported.records} records: a page holds no more. hold audit export on the host’s machine saves all.`
          : `Saved ${exported.records} records.`;
        setEnd({ text, isWrong: exported.isCut });
      },
      (fault: unknown) => {
        if (!over.signal.aborted) setEnd({ text: fault instanceof Error ? fault.message : String(fault), isWrong: true });
      },
    );
    return () => over.abort();
  }, [client, host, asked]);
  return (
    <section className={css.walk} aria-label="Export">
      <div className={css.line}>
        {end ? null : <span>{records > 0 ? `Read ${records} records…` : "Reading the record…"}</span>}
        <p role="status" data-tone={end?.isWrong ? "bad" : "good"}>
          {end?.text ?? ""}
        </p>
        <Button onPress={onDone}>{end ? "Close" : "Stop"}</Button>
      </div>
    </section>
  );
}
