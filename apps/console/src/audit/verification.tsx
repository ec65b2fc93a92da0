/** What the host finds when it walks its whole record: how far it is, and then whether it is whole, or what is the first thing that is not. */
import type { AuditFound, AuditVerdict, HostClient } from "@holdfast/sdk";
import { type ReactNode, useEffect, useState } from "react";
import { Button } from "../design/controls.tsx";
import css from "./audit.module.css";

interface Walk {
  readonly done: number;
  readonly total: number;
  readonly verdict: AuditVerdict | null;
  readonly wrong: string | null;
}

const BEGUN: Walk = { done: 0, total: 0, verdict: null, wrong: null };

export function Verification({ client, onDone }: { readonly client: HostClient; readonly onDone: () => void }): ReactNode {
  const [walk, setWalk] = useState<Walk>(BEGUN);
  useEffect(() => {
    const over = new AbortController();
    setWalk(BEGUN);
    const onProgress = (done: number, total: number): void => setWalk((before) => ({ ...before, done, total }));
    client.audit.verify({ onProgress, signal: over.signal }).then(
      (verdict) => setWalk((before) => ({ ...before, verdict })),
      (fault: unknown) => {
        if (!over.signal.aborted)
          setWalk((before) => ({ ...before, wrong: fault instanceof Error ? fault.message : String(fault) }));
      },
    );
    return () => over.abort();
  }, [client]);
  const { verdict, wrong } = walk;
  const isOver = verdict !== null || wrong !== null;
  return (
    <section className={css.walk} aria-label="Verification">
      <div className={css.line}>
        {isOver ? null : (
          <>
            <span>Verifying on the host…</span>
            {walk.total > 0 ? (
              <progress aria-label="Verified" max={walk.total} value={walk.done} />
            ) : (
              <progress aria-label="Verified" />
            )}
          </>
        )}
        <p role="status" data-tone={wrong || verdict?.isWhole === false ? "bad" : "good"}>
          {wrong ??
            (verdict === null
              ? ""
              : verdict.isWhole
                ? "The record is whole."
                : `${verdict.wrong === 1 ? "One thing is" : `${verdict.wrong} things are`} wrong. Keep a copy of the journal’s folder before anything else writes to it.`)}
        </p>
        <Button onPress={onDone}>{isOver ? "Close" : "Stop"}</Button>
      </div>
      {verdict ? (
        <ul>
          {verdict.found.map((one) => (
            <li key={`${one.ok} ${one.file} ${one.position} ${one.problem}`} data-tone={one.ok ? undefined : "bad"}>
              {placeOf(one)}
              {one.problem}
            </li>
          ))}
        </ul>
      ) : null}
    </section>
  );
}

function placeOf({ ok, file, position, lsn, session, seq }: AuditFound): string {
  if (ok) return "";
  const parts = [
    file === "" ? "" : `${file}:${position}`,
    lsn === null ? "" : `record ${lsn}`,
    session ? `session ${session}` : "",
    seq === null ? "" : `seq ${seq}`,
  ].filter((part) => part !== "");
  return parts.length > 0 ? `${parts.join(", ")}: ` : "";
}
