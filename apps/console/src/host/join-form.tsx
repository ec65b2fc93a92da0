/** Has this browser know another host: the text of an invitation. */
import { type ReactNode, useState } from "react";
import { Form } from "react-aria-components";
import { Button, TextField } from "../design/controls.tsx";
import css from "./hosts.module.css";
import { useHosts } from "./hosts.ts";
import { whyNot } from "./why-not.ts";

/** An invitation as a text, from `hold console`, `hold share` or `hold operator invite`. */
export function JoinForm({ label, onJoined }: { readonly label: string; readonly onJoined?: () => void }): ReactNode {
  const hosts = useHosts();
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const [isJoining, setJoining] = useState(false);
  const join = async (): Promise<void> => {
    setJoining(true);
    try {
      await hosts.join(text.slice(text.indexOf("hold1.")));
      onJoined?.();
    } catch (fault) {
      setWrong(whyNot(fault));
    } finally {
      setJoining(false);
    }
  };
  return (
    <Form
      className={css.form!}
      onSubmit={(event) => {
        event.preventDefault();
        void join();
      }}
    >
      <TextField
        label={label}
        hint="A link, or a text that begins with hold1."
        mono
        isRequired
        value={text}
        onChange={(value) => {
          setText(value);
          setWrong(undefined);
        }}
        wrong={wrong}
      />
      <Button type="submit" look="primary" isDisabled={isJoining || !text.includes("hold1.")}>
        {isJoining ? "Joining…" : "Join"}
      </Button>
    </Form>
  );
}
