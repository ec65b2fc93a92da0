/** For a browser that knows no host: what to do to have it know one. */
import type { ReactNode } from "react";
import { Button } from "../design/controls.tsx";
import { JoinForm } from "../host/join-form.tsx";
import css from "./welcome.module.css";

export interface WelcomeProps {
  /** Why the link that the page was opened with did not do. */
  readonly wrong: string | null;
  /** Goes on with the hosts that are known; null: none is. */
  readonly onOn: (() => void) | null;
}

export function Welcome({ wrong, onOn }: WelcomeProps): ReactNode {
  return (
    <div className={css.page}>
      <main className={css.card}>
        <img src="/icon.svg" alt="" />
        <h1>{onOn ? "That link did not work" : "This browser knows no host yet"}</h1>
        {wrong ? (
          <p className={css.wrong} role="alert">
            {wrong}
          </p>
        ) : null}
        <div className={css.lines}>
          <p>
            On the machine where your sessions are, ask for a link and open it here. It is good once; this browser gets a key of
            its own by it.
          </p>
          <code className={css.command}>hold console</code>
        </div>
        <JoinForm label="Or paste an invitation" />
        {onOn ? <Button onPress={onOn}>Go on without it</Button> : null}
      </main>
    </div>
  );
}
