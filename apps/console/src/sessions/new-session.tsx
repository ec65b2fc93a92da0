/** Opens a session on one of the hosts: of which kind, where, with what. */
import { type ReactNode, useState } from "react";
import { Form } from "react-aria-components";
import { useLocation } from "wouter";
import { Button, Choice, Dialog, TextField, Wrong } from "../design/controls.tsx";
import { useLinks } from "../host/hosts.ts";
import { useThoseThatLet } from "../host/rights.ts";
import { sessionPath } from "../shell/routes.ts";
import { useAttempt } from "../design/attempt.ts";
import css from "./sessions.module.css";

export interface NewSessionProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function NewSession({ isOpen, onClose }: NewSessionProps): ReactNode {
  return (
    <Dialog
      title="New session"
      about="It lives on this host until its program or somebody ends it; closing the page ends nothing."
      isOpen={isOpen}
      onClose={onClose}
    >
      <NewForm onDone={onClose} />
    </Dialog>
  );
}

const NAME = /^[A-Za-z0-9._-]{0,64}$/;
/** Until whoever steers shows it at another. */
const SIZE = { cols: 100, rows: 30 } as const;
const isSize = (text: string): boolean => /^([1-9]\d*)?$/.test(text);
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*=/;

function NewForm({ onDone }: { readonly onDone: () => void }): ReactNode {
  const links = useThoseThatLet(useLinks(), "session.create");
  const [, go] = useLocation();
  const [hostId, setHostId] = useState(links[0]?.host.id ?? "");
  const [name, setName] = useState("");
  const [command, setCommand] = useState("");
  const [cwd, setCwd] = useState("");
  const [env, setEnv] = useState("");
  const [cols, setCols] = useState("");
  const [rows, setRows] = useState("");
  const [kind, setKind] = useState<"pty" | "pipes">("pty");
  const { wrong, isBusy, attempt } = useAttempt(onDone);
  const link = links.find(({ host }) => host.id === hostId);
  const badName = NAME.test(name) ? undefined : "Letters, digits, . _ -; 64 at most.";
  const lines = env.split("\n").filter((line) => line.trim() !== "");
  const badEnv = lines.every((line) => VARIABLE.test(line)) ? undefined : "One NAME=value a line.";
  const open = async (): Promise<void> => {
    const { session } = await link!.client.open({
      kind,
      ...(name ? { name } : {}),
      // What was typed is the shell's to read, as it would be at a prompt.
      ...(command.trim() ? { command: ["/bin/sh", "-c", command] } : {}),
      ...(cwd ? { cwd } : {}),
      ...(lines.length > 0 ? { addEnv: Object.fromEntries(lines.map(parted)) } : {}),
      size: { cols: Number(cols) || SIZE.cols, rows: Number(rows) || SIZE.rows },
    });
    // After the dialog has given the focus back, which the terminal then takes.
    setTimeout(() => go(sessionPath(hostId, session.id)));
  };
  return (
    <Form
      className={css.form!}
      onSubmit={(event) => {
        event.preventDefault();
        if (link && !badName && !badEnv && isSize(cols) && isSize(rows)) attempt(open);
      }}
    >
      {links.length > 1 ? (
        <Choice
          label="Host"
          value={hostId}
          onChange={setHostId}
          of={Object.fromEntries(links.map(({ host }) => [host.id, host.name]))}
        />
      ) : null}
      <div className={css.grid}>
        <TextField label="Name" placeholder="after its program" autoFocus value={name} onChange={setName} wrong={badName} />
        <TextField label="Folder" placeholder="your home" mono value={cwd} onChange={setCwd} />
      </div>
      <TextField label="Command" placeholder="your shell" mono value={command} onChange={setCommand} />
      {kind === "pty" ? (
        <div className={css.grid}>
          <SizeField label="Columns" otherwise={SIZE.cols} text={cols} onChange={setCols} />
          <SizeField label="Lines" otherwise={SIZE.rows} text={rows} onChange={setRows} />
        </div>
      ) : null}
      <Choice
        label="Kind"
        value={kind}
        onChange={setKind}
        of={{ pty: "A terminal", pipes: "A job without a terminal, its two outputs apart" }}
      />
      <TextField
        label="Environment variables"
        hint="One a line, besides those of a login."
        placeholder="NAME=value"
        lines={2}
        mono
        value={env}
        onChange={setEnv}
        wrong={badEnv}
      />
      <Wrong why={wrong} />
      <footer>
        <Button onPress={onDone}>Cancel</Button>
        <Button type="submit" look="primary" isDisabled={isBusy || !link || (kind === "pipes" && command.trim() === "")}>
          {isBusy ? "Opening…" : "Open"}
        </Button>
      </footer>
    </Form>
  );
}

interface SizeFieldProps {
  readonly label: string;
  readonly otherwise: number;
  readonly text: string;
  readonly onChange: (text: string) => void;
}

function SizeField({ label, otherwise, text, onChange }: SizeFieldProps): ReactNode {
  return (
    <TextField
      label={label}
      placeholder={String(otherwise)}
      inputMode="numeric"
      value={text}
      onChange={onChange}
      wrong={isSize(text) ? undefined : "A number, 1 at least."}
    />
  );
}

const parted = (line: string): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)];
