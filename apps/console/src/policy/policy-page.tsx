/**
 * The rules for AIs on a host: the text that is in force, written over by who may.
 *   P1  What is written stays while the page is open, wherever one goes in it.
 *   P2  What is saved goes over what was read. Where that is another by now, nothing is saved, and whose text it is to be is asked.
 */
import { HoldError, type HostClient, type PolicyInForce, policyExample } from "@holdfast/sdk";
import { ScrollText } from "lucide-react";
import { type ReactNode, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { Badge, Banner, Button, Empty } from "../design/controls.tsx";
import { agoText, exactText, useNow } from "../design/time.ts";
import { HostChoice } from "../host/host-choice.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useLinks } from "../host/hosts.ts";
import { Bar } from "../shell/bar.tsx";
import { paths } from "../shell/routes.ts";
import { type About, aboutIn } from "./about.ts";
import { lineOf } from "./lines.ts";
import css from "./policy.module.css";
import { Trial } from "./trial.tsx";

export function PolicyPage(): ReactNode {
  const links = useLinks();
  const about = aboutIn(useHistoryState<unknown>());
  const [chosen, choose] = useState<string | null>(about?.host ?? null);
  const link = links.find(({ host }) => host.id === chosen) ?? links[0];
  const back = <Link to={paths.approvals}>Approvals</Link>;
  if (!link)
    return (
      <>
        <Bar title="Policy">{back}</Bar>
        <Empty icon={<ScrollText size={32} strokeWidth={1.25} />} title="No host is known here">
          <p>Add one under Hosts: each has its own rules for AIs.</p>
        </Empty>
      </>
    );
  return (
    <>
      <Bar title="Policy">
        <HostChoice links={links} link={link} onChoose={choose} />
        {back}
      </Bar>
      <OfHost key={link.host.id} link={link} about={about?.host === link.host.id ? about : null} />
    </>
  );
}

function OfHost({ link, about }: { readonly link: HostLink; readonly about: About | null }): ReactNode {
  const state = useHostState(link);
  const client = state.is === "up" ? state.client : null;
  const [last, setLast] = useState(client);
  useEffect(() => {
    if (client) setLast(client);
  }, [client]);
  if (state.is === "refused")
    return (
      <Empty title={`${link.name} refuses this browser`}>
        <p>{state.why}</p>
      </Empty>
    );
  return (
    <>
      {state.is === "offline" || (state.is === "connecting" && last) ? (
        <Banner tone="warn">{link.name} does not answer now. The console dials again by itself; what you wrote stays.</Banner>
      ) : null}
      {last ? (
        <Policy client={last} hostId={link.host.id} isUp={client !== null} about={about} />
      ) : (
        <p className={css.none} role="status">
          {state.is === "connecting" ? "Asking…" : ""}
        </p>
      )}
    </>
  );
}

/** P1, by host. */
const drafts = new Map<string, string>();

/** Typing is over for so long before the host is asked. */
const TYPED_MS = 400;

interface PolicyProps {
  readonly client: HostClient;
  readonly hostId: string;
  readonly isUp: boolean;
  readonly about: About | null;
}

function Policy({ client, hostId, isUp, about }: PolicyProps): ReactNode {
  const [read, setRead] = useState<PolicyInForce | null>(null);
  const [text, setText] = useState(() => drafts.get(hostId) ?? null);
  const [wrong, setWrong] = useState<string | null>(null);
  /** P2: what is there by now. */
  const [theirs, setTheirs] = useState<PolicyInForce | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [said, setSaid] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    let isLeft = false;
    client.policy().then(
      (policy) => isLeft || setRead((before) => before ?? policy),
      (fault: unknown) => isLeft || setWrong(messageOf(fault)),
    );
    return () => {
      isLeft = true;
    };
  }, [client]);
  const write = useCallback(
    (written: string | null): void => {
      if (written === null) drafts.delete(hostId);
      else drafts.set(hostId, written);
      setText(written);
      setSaid("");
    },
    [hostId],
  );
  const shown = text ?? read?.text ?? "";
  const problems = useProblems(client, text === null ? null : shown);
  if (!read)
    return wrong ? (
      <Empty title="The policy could not be read">
        <p>{wrong}</p>
      </Empty>
    ) : (
      <p className={css.none} role="status">
        Reading the policy…
      </p>
    );
  const mayWrite = (client.operator.operator?.capabilities ?? []).includes("policy.write");
  const isChanged = text !== null && text !== read.text;
  const save = async (): Promise<void> => {
    setBusy(true);
    setWrong(null);
    try {
      const saved = await client.policySave(shown, read);
      setRead(saved);
      write(null);
      setSaid("Saved, and in force now.");
    } catch (fault) {
      if (fault instanceof HoldError && fault.code === "file_changed") setTheirs(await client.policy().catch(() => null));
      setWrong(messageOf(fault));
    }
    setBusy(false);
  };
  const settle = (policy: PolicyInForce, isTheirs: boolean): void => {
    setRead(policy);
    if (isTheirs) write(null);
    setTheirs(null);
    setWrong(null);
  };
  return (
    <div className={css.all}>
      <InForce policy={read} mayWrite={mayWrite} onFile={(file) => write(file)} />
      {theirs ? (
        <div className={css.conflict} role="alert">
          <p>{wrong}</p>
          <div className={css.line}>
            <Button onPress={() => settle(theirs, false)}>Keep mine, to save it over theirs</Button>
            <Button onPress={() => settle(theirs, true)}>Take theirs</Button>
          </div>
        </div>
      ) : wrong ? (
        <p className={css.wrong} role="alert">
          {wrong}
        </p>
      ) : null}
      {shown === "" && mayWrite && text === null ? (
        <p className={css.line}>
          <Button onPress={() => write(policyExample)}>Begin with an example</Button>
        </p>
      ) : null}
      <Editor area={area} text={shown} isReadOnly={!mayWrite} isWrong={(problems?.length ?? 0) > 0} onWrite={write} />
      <div className={css.line}>
        {mayWrite ? (
          <>
            <Button
              look="primary"
              isDisabled={!isUp || isBusy || !isChanged || theirs !== null || (problems?.length ?? 0) > 0}
              onPress={() => void save()}
            >
              Save
            </Button>
            {isChanged ? (
              <Button isDisabled={isBusy} onPress={() => write(null)}>
                Undo all
              </Button>
            ) : null}
          </>
        ) : null}
        <p role="status" className={css.said}>
          {said || (isChanged && problems?.length === 0 ? "Nothing is wrong with it." : "")}
        </p>
      </div>
      {problems && problems.length > 0 ? <Problems problems={problems} text={shown} area={area} /> : null}
      <Trial client={client} isUp={isUp} text={isChanged ? shown : null} about={about} />
    </div>
  );
}

const messageOf = (fault: unknown): string => (fault instanceof Error ? fault.message : String(fault));

interface InForceProps {
  readonly policy: PolicyInForce;
  readonly mayWrite: boolean;
  readonly onFile: (text: string) => void;
}

function InForce({ policy, mayWrite, onFile }: InForceProps): ReactNode {
  const now = useNow(30_000);
  const { text, file, fileText, path } = policy;
  return (
    <header className={css.about}>
      {text === "" ? (
        <p>
          <Badge tone="warn">none</Badge> No policy was ever loaded: an AI may do what its role lets it.
        </p>
      ) : (
        <p title={exactText(policy.loadedUnixMs)}>
          <Badge tone="accent">in force</Badge> Loaded {agoText(policy.loadedUnixMs, now)} by {policy.loadedBy}
        </p>
      )}
      {mayWrite ? null : <p>You see the rules that hold here. An admin writes them.</p>}
      {mayWrite && (file === "changed" || file === "new") ? (
        <p className={css.line}>
          <span>
            <code>{path}</code> on the host’s machine is another text, and not in force.
          </span>
          {fileText === null ? (
            <span>It can’t be read: it is to be its owner’s alone, and a plain file.</span>
          ) : (
            <Button onPress={() => onFile(fileText)}>Look at that</Button>
          )}
        </p>
      ) : null}
    </header>
  );
}

interface EditorProps {
  readonly area: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly isReadOnly: boolean;
  readonly isWrong: boolean;
  readonly onWrite: (text: string) => void;
}

function Editor({ area, text, isReadOnly, isWrong, onWrite }: EditorProps): ReactNode {
  const lines = text.split("\n").length;
  return (
    <div className={css.editor}>
      <pre className={css.numbers} aria-hidden>
        {Array.from({ length: Math.max(lines, 12) }, (_, i) => (i < lines ? i + 1 : " ")).join("\n")}
      </pre>
      <textarea
        ref={area}
        aria-label="policy.toml"
        aria-invalid={isWrong || undefined}
        rows={Math.max(lines, 12)}
        wrap="off"
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        readOnly={isReadOnly}
        value={text}
        onChange={({ target }) => onWrite(target.value)}
      />
    </div>
  );
}

interface ProblemsProps {
  readonly problems: readonly string[];
  readonly text: string;
  readonly area: RefObject<HTMLTextAreaElement | null>;
}

function Problems({ problems, text, area }: ProblemsProps): ReactNode {
  const go = (line: number): void => {
    const before = text.split("\n").slice(0, line - 1);
    const from = before.join("\n").length + (before.length > 0 ? 1 : 0);
    const end = text.indexOf("\n", from);
    area.current?.focus();
    area.current?.setSelectionRange(from, end < 0 ? text.length : end);
  };
  return (
    <section className={css.problems} aria-label="What is wrong with it" aria-live="polite">
      <ul>
        {problems.map((problem) => {
          const line = lineOf(problem, text);
          return (
            <li key={problem}>
              {line === null ? null : (
                <Button look="quiet" onPress={() => go(line)}>
                  Line {line}
                </Button>
              )}
              <span>{problem}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** What the host says is wrong with a text; null: it was not asked, or has not answered. */
function useProblems(client: HostClient, text: string | null): readonly string[] | null {
  const [found, setFound] = useState<{ readonly text: string; readonly problems: readonly string[] } | null>(null);
  useEffect(() => {
    if (text === null) return;
    let isLeft = false;
    const timer = setTimeout(() => {
      client.policyCheck(text).then(
        (problems) => isLeft || setFound({ text, problems }),
        () => {},
      );
    }, TYPED_MS);
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, [client, text]);
  return text !== null && found?.text === text ? found.problems : null;
}
