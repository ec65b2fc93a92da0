/**
 * What waits for a person: what an AI would do, byte for byte, where, with which program; its own words marked as its words.
 * Whether this person may decide is the host's to say.
 */
import { type Approval, escapeText, HoldError, shownExactly } from "@holdfast/sdk";
import { BellRing, ShieldCheck } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Form } from "react-aria-components";
import { Link } from "wouter";
import { Badge, Button, Empty, TextField, Wrong } from "../design/controls.tsx";
import { durationText, useNow } from "../design/time.ts";
import { useHostState, useLinks } from "../host/hosts.ts";
import { NotEndToEnd } from "../host/not-end-to-end.tsx";
import { aboutOf } from "../policy/about.ts";
import { Bar } from "../shell/bar.tsx";
import { paths, sessionPath } from "../shell/routes.ts";
import css from "./approvals.module.css";
import type { Asked } from "./approvals.ts";
import { askForNotices, noticesAre } from "./notices.ts";

export function ApprovalsPage({ asked }: { readonly asked: readonly Asked[] }): ReactNode {
  const links = useLinks();
  const several = links.length > 1;
  const [notices, setNotices] = useState(noticesAre);
  return (
    <>
      <Bar title="Approvals">
        <Link to={paths.policy}>Policy</Link>
        {notices === "default" ? (
          <Button onPress={() => void askForNotices().then(setNotices)}>
            <BellRing size={15} aria-hidden /> Notify me
          </Button>
        ) : null}
      </Bar>
      {links.map((link) => (
        <NotEndToEnd key={link.host.id} link={link} />
      ))}
      {asked.length === 0 ? (
        <Empty icon={<ShieldCheck size={32} strokeWidth={1.25} />} title="Nothing waits for you">
          <p>
            What an AI may not do by itself, and what it asks people, stands here until somebody decides or its time is over.
            Policy, above, says what needs a person.
          </p>
        </Empty>
      ) : (
        <ul className={css.all}>
          {asked.map((one) => (
            <li key={one.id}>
              <Card asked={one} several={several} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const DEEDS: Readonly<Record<string, string>> = {
  run: "would run in the shell",
  exec: "would run beside the terminal",
  keys: "would type",
  signals: "would send a signal",
  "files.read": "would read a file",
  "files.write": "would write a file",
  open: "would open a session",
  end: "would end the session",
  question: "asks",
  secret: "asks for a secret, for the program that waits for it",
};

function Card({ asked, several }: { readonly asked: Asked; readonly several: boolean }): ReactNode {
  const { link, approval } = asked;
  const now = useNow(1_000);
  const about = aboutOf(link.host.id, approval);
  const state = useHostState(link);
  const mayWrite = state.is === "up" && state.client.operator.operator?.capabilities.includes("policy.write");
  return (
    <article className={css.card} aria-label={`${approval.actorName} ${DEEDS[approval.deed] ?? approval.deed}`}>
      <header>
        <Badge tone="accent">AI</Badge>
        <b>{approval.actorName}</b>
        <span>{DEEDS[approval.deed] ?? approval.deed}</span>
        {approval.session ? <Link to={sessionPath(link.host.id, approval.session)}>{approval.sessionName}</Link> : null}
        {several ? <Badge>{link.name}</Badge> : null}
        <time>{durationText(Math.max(0, approval.expiresUnixMs - now))} left</time>
      </header>
      <What approval={approval} />
      {approval.mayDecide ? (
        <Decide asked={asked} />
      ) : (
        <p>Somebody else decides this: it needs another person, or a key that is protected.</p>
      )}
      {about ? (
        <p>
          <Link to={paths.policy} state={{ about }}>
            {mayWrite ? "Edit policy" : "See policy"}
          </Link>
        </p>
      ) : null}
    </article>
  );
}

function What({ approval }: { readonly approval: Approval }): ReactNode {
  const isQuestion = approval.deed === "question" || approval.deed === "secret";
  if (isQuestion)
    return (
      <>
        <div className={css.words}>
          <small>In the AI’s own words</small>
          {escapeText(approval.what)}
        </div>
        {approval.reads ? <Facts of={{ "Waits for it": approval.reads }} /> : null}
      </>
    );
  const more = approval.dataBytes - approval.data.length;
  return (
    <>
      <p>{escapeText(approval.what)}</p>
      {approval.argv.length > 0 ? (
        <pre className={css.exact}>{approval.argv.map((word) => escapeText(word)).join("\n")}</pre>
      ) : null}
      {approval.data.length > 0 ? (
        <pre className={css.exact}>
          {shownExactly(approval.data)}
          {more > 0 ? `\n… and ${more} bytes more` : ""}
        </pre>
      ) : null}
      <Facts
        of={{
          In: approval.cwd,
          Program: approval.executable ?? "",
          "On behalf of": approval.onBehalfOf.join(", "),
          Environment: approval.env.length > 0 ? `${approval.env.length} variables` : "",
        }}
      />
    </>
  );
}

function Facts({ of }: { readonly of: Readonly<Record<string, string>> }): ReactNode {
  return (
    <dl className={css.facts}>
      {Object.entries(of)
        .filter(([, value]) => value !== "")
        .map(([name, value]) => [
          <dt key={name}>{name}</dt>,
          <dd key={`${name} is`}>
            <code>{escapeText(value)}</code>
          </dd>,
        ])}
    </dl>
  );
}

function Decide({ asked }: { readonly asked: Asked }): ReactNode {
  const { link, approval } = asked;
  const [text, setText] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const decide = async (act: () => Promise<Approval>): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      await act();
    } catch (fault) {
      setWrong(
        fault instanceof HoldError && fault.code === "not_protected"
          ? NOT_PROTECTED
          : fault instanceof Error
            ? fault.message
            : String(fault),
      );
    } finally {
      setBusy(false);
    }
  };
  const { approvals } = link.client;
  const isSecret = approval.deed === "secret";
  if (approval.deed === "question" || isSecret)
    return (
      <>
        {approval.options.length > 0 ? (
          <div className={css.decide}>
            {approval.options.map((option) => (
              <Button key={option} isDisabled={isBusy} onPress={() => void decide(() => approvals.answer(approval, option))}>
                {escapeText(option)}
              </Button>
            ))}
          </div>
        ) : null}
        <Form
          className={css.decide!}
          onSubmit={(event) => {
            event.preventDefault();
            void decide(() =>
              isSecret ? approvals.give(approval, new TextEncoder().encode(text)) : approvals.answer(approval, text),
            );
          }}
        >
          <TextField
            label={isSecret ? "The secret: nobody is shown it, the AI neither" : "Your answer"}
            type={isSecret ? "password" : "text"}
            value={text}
            onChange={setText}
          />
          <Button type="submit" look="primary" isDisabled={isBusy || text === ""}>
            {isSecret ? "Give it" : "Answer"}
          </Button>
          {approval.handoff ? (
            <Button isDisabled={isBusy} onPress={() => void decide(() => approvals.takeOver(approval))}>
              Take the floor instead
            </Button>
          ) : null}
          <Button isDisabled={isBusy} onPress={() => void decide(() => approvals.deny(approval))}>
            Decline
          </Button>
        </Form>
        <Wrong why={wrong} />
      </>
    );
  return (
    <>
      <div className={css.decide}>
        <TextField label="A reason, which the AI is told if you deny" value={text} onChange={setText} />
        <Button isDisabled={isBusy} onPress={() => void decide(() => approvals.deny(approval, text))}>
          Deny
        </Button>
        <Button look="primary" isDisabled={isBusy} onPress={() => void decide(() => approvals.allow(approval))}>
          Allow once
        </Button>
      </div>
      <Wrong why={wrong} />
    </>
  );
}

const NOT_PROTECTED =
  "This browser’s key is not one that approves: an admin adds it as protected, or you decide with hold approvals.";
