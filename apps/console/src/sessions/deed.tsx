/** What is done with a session from a list or its own screen, each with the question that it deserves. */
import { type ReactNode, useState } from "react";
import { Form } from "react-aria-components";
import { Button, Dialog, TextField, Wrong } from "../design/controls.tsx";
import { useAttempt } from "../design/attempt.ts";
import type { Listed } from "./listed.ts";
import css from "./sessions.module.css";
import { Share } from "./share.tsx";

export interface Deed extends Listed {
  readonly verb: "rename" | "end" | "remove" | "share";
}

export interface SessionDeedProps {
  readonly deed: Deed;
  readonly onDone: () => void;
}

export function SessionDeed({ deed, onDone }: SessionDeedProps): ReactNode {
  if (deed.verb === "rename") return <Rename deed={deed} onDone={onDone} />;
  if (deed.verb === "share") return <Share link={deed.link} session={deed.session} onDone={onDone} />;
  return <Sure deed={deed} onDone={onDone} />;
}

function Rename({ deed, onDone }: SessionDeedProps): ReactNode {
  const { link, session } = deed;
  const [name, setName] = useState(session.name);
  const { wrong, isBusy, attempt } = useAttempt(onDone);
  return (
    <Dialog title={`Rename ${session.name}`} isOpen onClose={onDone}>
      <Form
        className={css.form!}
        onSubmit={(event) => {
          event.preventDefault();
          attempt(async () => {
            await link.client.rename(session.id, name);
          });
        }}
      >
        <TextField
          label="Name"
          hint="Letters, digits, . _ -; 64 at most. Its id stays."
          autoFocus
          isRequired
          value={name}
          onChange={setName}
          wrong={wrong}
        />
        <footer>
          <Button onPress={onDone}>Cancel</Button>
          <Button type="submit" look="primary" isDisabled={isBusy || name === session.name}>
            Rename
          </Button>
        </footer>
      </Form>
    </Dialog>
  );
}

function Sure({ deed, onDone }: SessionDeedProps): ReactNode {
  const { link, session, verb } = deed;
  const { wrong, isBusy, attempt } = useAttempt(onDone);
  const others = session.operators.length;
  const isEnd = verb === "end";
  return (
    <Dialog
      title={isEnd ? `End ${session.name}?` : `Remove the record of ${session.name}?`}
      about={
        isEnd
          ? `Its programs are asked to end, and forced after 5 s. ${others > 1 ? `${others} are attached. ` : ""}What was done and printed stays in its record.`
          : "What was printed is gone then; who did what stays in the host's audit."
      }
      isOpen
      isAlert
      onClose={onDone}
    >
      <Wrong why={wrong} />
      <footer>
        <Button onPress={onDone} autoFocus>
          Cancel
        </Button>
        <Button
          look="danger"
          isDisabled={isBusy}
          onPress={() =>
            attempt(async () => {
              await (isEnd ? link.client.kill(session.id) : link.client.remove(session.id));
            })
          }
        >
          {isBusy ? "Waiting for its end…" : isEnd ? "End session" : "Remove record"}
        </Button>
      </footer>
    </Dialog>
  );
}
