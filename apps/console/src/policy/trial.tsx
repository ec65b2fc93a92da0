/** What the text that is shown would say to something that an AI does: asked of the host, which does none of it. */
import { type Deed, deeds, type HostClient, type PolicyTried } from "@holdfast/sdk";
import { type ReactNode, useState } from "react";
import { Form } from "react-aria-components";
import { Badge, Button, TextField } from "../design/controls.tsx";
import type { About } from "./about.ts";
import css from "./policy.module.css";

interface TrialProps {
  readonly client: HostClient;
  readonly isUp: boolean;
  /** Null: what is in force. */
  readonly text: string | null;
  readonly about: About | null;
}

interface Answered {
  /** The question and the text that it was asked of: an answer to others is none. */
  readonly to: string;
  readonly tried: PolicyTried | null;
  readonly wrong: string;
}

export function Trial({ client, isUp, text, about }: TrialProps): ReactNode {
  const [deed, setDeed] = useState<Deed>(about?.deed ?? "run");
  const [command, setCommand] = useState(about?.command ?? "");
  const [session, setSession] = useState(about?.session ?? "");
  const [operator, setOperator] = useState(about?.operator ?? "");
  const [answered, setAnswered] = useState<Answered | null>(null);
  const takesCommand = deed === "run" || deed === "exec";
  const question = {
    ...{ deed, session, operator },
    ...(takesCommand ? { command } : {}),
    ...(text === null ? {} : { text }),
  };
  const to = JSON.stringify(question);
  const ask = (): void =>
    void client.policyTry(question).then(
      (tried) => setAnswered({ to, tried, wrong: "" }),
      (fault: unknown) => setAnswered({ to, tried: null, wrong: fault instanceof Error ? fault.message : String(fault) }),
    );
  return (
    <section className={css.trial} aria-label="Try it">
      <h2>Try it</h2>
      <p>What the text above would say to something that an AI does. Nothing of it is done.</p>
      <Form
        className={css.line!}
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <select
          className={css.select}
          aria-label="What an AI does"
          value={deed}
          onChange={({ target }) => setDeed(target.value as Deed)}
        >
          {deeds.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
        {takesCommand ? <TextField label="Command" mono value={command} onChange={setCommand} /> : null}
        <TextField label="In the session" placeholder="any" value={session} onChange={setSession} />
        <TextField label="By the AI" placeholder="any" value={operator} onChange={setOperator} />
        <Button type="submit" isDisabled={!isUp || (takesCommand && command.trim() === "")}>
          Try
        </Button>
      </Form>
      <div role="status" className={css.line}>
        {answered?.to === to ? <Told answered={answered} operator={operator} /> : null}
      </div>
    </section>
  );
}

const TONES = { allow: "accent", ask: "warn", deny: "bad" } as const;

function Told({ answered, operator }: { readonly answered: Answered; readonly operator: string }): ReactNode {
  const { tried, wrong } = answered;
  if (!tried) return <span className={css.wrong}>{wrong}</span>;
  if (!("ruling" in tried)) return <span className={css.wrong}>Something is wrong with the text; it says nothing before.</span>;
  const { ruling, because, isOpaque, lacks } = tried;
  return (
    <>
      <Badge tone={lacks === null ? TONES[ruling] : "bad"}>{lacks === null ? ruling : "deny"}</Badge>
      <span>
        {lacks === null ? <code>{because}</code> : `The role of ${operator} leaves out ${lacks}, and no policy gives it.`}
      </span>
      {isOpaque ? <span>That line is not plain words: no rule that allows speaks of it.</span> : null}
    </>
  );
}
