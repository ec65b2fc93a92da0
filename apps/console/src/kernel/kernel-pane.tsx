/** A kernel session: what ran and for whom, what waits, what it asks; and code to run. Rich output is named, not drawn. */
import { HoldError, type KernelFollowing, type KernelView, type Session } from "@holdfast/sdk";
import { ArrowLeft, Square } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLocation } from "wouter";
import { Badge, Button, IconButton, TextField, Wrong } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useLastClient } from "../host/hosts.ts";
import { mayIn } from "../host/rights.ts";
import { type Deed, SessionDeed } from "../sessions/deed.tsx";
import { DeedMenu } from "../sessions/deed-menu.tsx";
import { Bar } from "../shell/bar.tsx";
import { paths } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import css from "./kernel.module.css";
import { type Piece, Pieces } from "./pieces.ts";

/** How much of the record before now is shown. */
const BEFORE_RECORDS = 4_000;

interface KernelPaneProps {
  readonly link: HostLink;
  readonly session: Session;
}

export function KernelPane({ link, session }: KernelPaneProps): ReactNode {
  const client = useLastClient(link);
  const [, go] = useLocation();
  const { pieces, view } = useFollowed(link, session);
  const [deed, setDeed] = useState<Deed | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  useStore(link.rights);
  const isRecord = useStore(link.record) !== null;
  const mayRun = !isRecord && mayIn(link, "session.input");
  const doing = (asked: Promise<unknown>): void => {
    setWrong(null);
    asked.catch((fault: unknown) => setWrong(fault instanceof HoldError ? fault.message : String(fault)));
  };
  const kernels = client?.kernels;
  return (
    <section className={css.screen} aria-label={`Session ${session.name}`}>
      <Bar
        title={session.name}
        lead={
          <IconButton label="All sessions" onPress={() => go(paths.sessions)}>
            <ArrowLeft size={16} />
          </IconButton>
        }
      >
        <Badge>{stateText(session, view)}</Badge>
        {view?.current && kernels && mayRun ? (
          <IconButton label="Interrupt what runs" onPress={() => doing(kernels.interrupt(session.id))}>
            <Square size={16} />
          </IconButton>
        ) : null}
        <DeedMenu one={{ id: session.id, link, session }} onDeed={setDeed} />
      </Bar>
      <Shown pieces={pieces} />
      {view && (view.current || view.waiting.length > 0) ? <Queue view={view} /> : null}
      <Wrong why={wrong} />
      {view?.prompt && kernels && mayRun ? (
        <Prompt
          key={view.prompt.prompt}
          prompt={view.prompt}
          onAnswer={(text) => doing(kernels.reply(session.id, view.prompt!.prompt, text))}
        />
      ) : null}
      {kernels && mayRun && view && view.phase !== "ended" ? (
        <Code
          isDead={view.phase === "dead"}
          onRun={(code) => doing(kernels.run(session.id, code, { maxBytes: 1 }))}
          onRestart={() => doing(kernels.restart(session.id))}
        />
      ) : null}
      {deed ? <SessionDeed deed={deed} onDone={() => setDeed(null)} /> : null}
    </section>
  );
}

function useFollowed(link: HostLink, session: Session): { readonly pieces: readonly Piece[]; readonly view: KernelView | null } {
  const client = useLastClient(link);
  const [pieces, setPieces] = useState<readonly Piece[]>([]);
  const [view, setView] = useState<KernelView | null>(null);
  // What stood in the record when the page came; the list tells of later seqs all the time.
  const after = useRef(Math.max(0, Number(session.seq) - BEFORE_RECORDS));
  useEffect(() => {
    if (!client) return;
    const kept = new Pieces();
    let isDue = false;
    let isOver = false;
    let following: KernelFollowing | null = null;
    const draw = (): void => {
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        if (!isOver) setPieces(kept.all);
      });
    };
    void client.kernels
      .follow(
        session.id,
        {
          told: (what) => {
            kept.take(what);
            draw();
          },
          live: setView,
          changed: setView,
        },
        { after: after.current, quiet: false },
      )
      .then((one) => {
        following = one;
        if (isOver) void one.stop();
      })
      .catch(() => {});
    return () => {
      isOver = true;
      void following?.stop();
    };
  }, [client, session.id]);
  return { pieces, view };
}

function stateText({ kernel }: Session, view: KernelView | null): string {
  const phase = view?.phase ?? kernel?.phase ?? "";
  return `${kernel?.spec ?? "kernel"}: ${phase === "ready" ? (view?.execution ?? kernel?.execution ?? "") : phase}`;
}

/** At its end while one has not scrolled away from it. */
function Shown({ pieces }: { readonly pieces: readonly Piece[] }): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as they come
  useEffect(() => {
    if (isAtEnd.current) list.current?.scrollTo({ top: list.current.scrollHeight });
  }, [pieces]);
  const look = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = list.current!;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <ol className={css.pieces} ref={list} onScroll={look} tabIndex={0} aria-label="What ran, and what it showed">
      {pieces.map(({ key, kind, by, count, text }) => (
        <li key={key} data-kind={kind}>
          {kind === "code" ? (
            <small>
              In [{count ?? " "}] <bdi>{by}</bdi>
            </small>
          ) : null}
          {kind === "note" ? text : <pre dir="ltr">{text}</pre>}
        </li>
      ))}
    </ol>
  );
}

function Queue({ view: { current, waiting } }: { readonly view: KernelView }): ReactNode {
  const runs = [...(current ? [current] : []), ...waiting];
  return (
    <ul className={css.queue} aria-label="Runs and waits">
      {runs.map((one) => (
        <li key={one.run}>
          <span>{one === current ? "runs" : "waits"}</span>
          <bdi>{one.by.name}</bdi>
          <code>{one.code.trim().split("\n")[0]!.slice(0, 120)}</code>
        </li>
      ))}
    </ul>
  );
}

interface PromptProps {
  readonly prompt: NonNullable<KernelView["prompt"]>;
  readonly onAnswer: (text: string) => void;
}

function Prompt({ prompt, onAnswer }: PromptProps): ReactNode {
  const [text, setText] = useState("");
  return (
    <form
      className={css.ask}
      onSubmit={(event) => {
        event.preventDefault();
        onAnswer(text);
      }}
    >
      <TextField
        label={prompt.text.trim() || "It asks"}
        type={prompt.password ? "password" : "text"}
        value={text}
        onChange={setText}
        autoFocus
      />
      <Button type="submit" look="primary">
        Answer
      </Button>
    </form>
  );
}

interface CodeProps {
  readonly isDead: boolean;
  readonly onRun: (code: string) => void;
  readonly onRestart: () => void;
}

function Code({ isDead, onRun, onRestart }: CodeProps): ReactNode {
  const [code, setCode] = useState("");
  const run = (): void => {
    if (code.trim() === "") return;
    onRun(code);
    setCode("");
  };
  const key = (event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "preventDefault">): void => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    run();
  };
  if (isDead)
    return (
      <div className={css.ask}>
        <span>The kernel has ended, and its variables with it.</span>
        <Button look="primary" onPress={onRestart}>
          Start it anew
        </Button>
      </div>
    );
  return (
    <form
      className={css.ask}
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <TextField label="Code" hint="Ctrl-Enter runs it" mono lines={3} value={code} onChange={setCode} onKeyDown={key} />
      <Button type="submit" look="primary" isDisabled={code.trim() === ""}>
        Run
      </Button>
    </form>
  );
}
