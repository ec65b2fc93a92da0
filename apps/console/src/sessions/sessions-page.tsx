/** All sessions of all hosts, live: which state, what runs, who is there, who steers. A thousand scroll: only those in sight are drawn. */
import { escapeText } from "@holdfast/sdk";
import { Plus, SquareTerminal, Unplug } from "lucide-react";
import { type ReactNode, useDeferredValue, useMemo, useState } from "react";
import { GridList, GridListItem, Input, ListLayout, SearchField, ToggleButton, Virtualizer } from "react-aria-components";
import { Link, useLocation } from "wouter";
import { Avatar } from "../design/avatar.tsx";
import controls from "../design/controls.module.css";
import { Badge, Banner, Button, Dot, Empty, Kbd } from "../design/controls.tsx";
import { agoText, durationText, exactText, useNow } from "../design/time.ts";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useHostStates, useLinks } from "../host/hosts.ts";
import { useShortcut } from "../keys/use-keys.ts";
import { Bar } from "../shell/bar.tsx";
import { paths, sessionPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import { type Deed, SessionDeed } from "./deed.tsx";
import { DeedMenu } from "./deed-menu.tsx";
import { type Listed, useListed } from "./listed.ts";
import css from "./sessions.module.css";
import { endText, lookIn, lookOf, needsInput } from "./state.ts";

const ROW_PX = 48;

/** `onNew`: null where no host lets one be opened. */
export function SessionsPage({ onNew }: { readonly onNew: (() => void) | null }): ReactNode {
  const links = useLinks();
  const all = useListed(links);
  const [text, setText] = useState("");
  const [showsEnded, setShowsEnded] = useState(false);
  const [deed, setDeed] = useState<Deed | null>(null);
  const wanted = useDeferredValue(text);
  const shown = useMemo(
    () => (all ?? []).filter((one) => (showsEnded || lookOf(one.session).isLive) && fits(one, wanted)),
    [all, wanted, showsEnded],
  );
  const ended = useMemo(() => (all ?? []).filter(({ session }) => !lookOf(session).isLive).length, [all]);
  return (
    <>
      <Bar title="Sessions" shape={css.all}>
        <SearchField className={css.filter!} aria-label="Filter sessions" value={text} onChange={setText}>
          <Input placeholder="Filter by name, command, folder, person" />
        </SearchField>
        {ended > 0 || showsEnded ? (
          <ToggleButton className={controls.button!} data-look="quiet" isSelected={showsEnded} onChange={setShowsEnded}>
            Ended <Badge>{ended}</Badge>
          </ToggleButton>
        ) : null}
        {onNew ? (
          <Button look="primary" onPress={onNew}>
            <Plus size={15} aria-hidden /> New session
          </Button>
        ) : null}
      </Bar>
      {links.map((link) => (
        <HostBanner key={link.host.id} link={link} isListed={all !== null} />
      ))}
      {all === null ? (
        <Unknown links={links} />
      ) : shown.length === 0 ? (
        <Nothing
          isFiltered={text !== "" || all.length > ended}
          hasEnded={ended > 0}
          onNew={onNew}
          onClear={() => setText("")}
          text={text}
        />
      ) : (
        <Rows shown={shown} several={links.length > 1} onDeed={setDeed} />
      )}
      {deed ? <SessionDeed deed={deed} onDone={() => setDeed(null)} /> : null}
    </>
  );
}

/** No host has answered yet. */
function Unknown({ links }: { readonly links: readonly HostLink[] }): ReactNode {
  const states = useHostStates(links);
  if (states.every(({ is }) => is === "refused"))
    return (
      <Empty title="No host lets this browser in">
        <p>Its key was taken back, or is not known any more. A new link from hold console lets it in again.</p>
        <Link to={paths.hosts}>Hosts</Link>
      </Empty>
    );
  return <Unseen links={links} isAway={states.every(({ is }) => is === "offline")} />;
}

interface RowsProps {
  readonly shown: readonly Listed[];
  readonly several: boolean;
  readonly onDeed: (deed: Deed) => void;
}

function Rows({ shown, several, onDeed }: RowsProps): ReactNode {
  const [, go] = useLocation();
  return (
    <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight: ROW_PX }}>
      <GridList
        className={css.list!}
        aria-label="Sessions"
        items={shown}
        dependencies={[several]}
        onAction={(id) => {
          const one = shown.find((listed) => listed.id === id);
          if (one) go(sessionPath(one.link.host.id, one.session.id));
        }}
      >
        {(one) => (
          <GridListItem className={css.row!} textValue={one.session.name} data-dim={!lookOf(one.session).isLive || undefined}>
            <Row one={one} several={several} onDeed={onDeed} />
          </GridListItem>
        )}
      </GridList>
    </Virtualizer>
  );
}

const MOST_FACES = 4;

interface RowProps {
  readonly one: Listed;
  readonly several: boolean;
  readonly onDeed: (deed: Deed) => void;
}

function Row({ one, several, onDeed }: RowProps): ReactNode {
  const now = useNow();
  const { link, session } = one;
  const look = lookIn(useStore(link.record) !== null, session);
  const people = session.operators;
  const seat = session.floor?.seat;
  const cwd = escapeText(session.cwd);
  return (
    <div className={css.cells}>
      <div className={css.name}>
        <Dot {...(look.tone ? { tone: look.tone } : {})} hollow={look.hollow ?? false} label={look.word} />
        <bdi>{session.name}</bdi>
        {several ? <Badge>{link.name}</Badge> : null}
        {needsInput(session) ? <Badge tone="warn">asks for input</Badge> : null}
      </div>
      <div className={css.what} data-idle={(look.isLive && session.running === "") || undefined}>
        {look.isLive ? escapeText(runsText(session)) : endText(session)}
      </div>
      <div className={css.where} title={cwd}>
        <bdi>{cwd}</bdi>
      </div>
      <div className={css.who}>
        {people.slice(0, MOST_FACES).map((p) => (
          <Avatar key={p.attachment} name={p.name} kind={p.kind} via={p.via} steers={p.attachment === seat} />
        ))}
        {people.length > MOST_FACES ? <span className={css.more}>+{people.length - MOST_FACES}</span> : null}
      </div>
      <time className={css.when} title={exactText(Number(session.lastActivityUnixMs))}>
        {agoText(Number(session.lastActivityUnixMs), now)}
      </time>
      <div className={css.actions}>
        <DeedMenu one={one} onDeed={onDeed} />
      </div>
    </div>
  );
}

const runsText = (session: Listed["session"]): string =>
  session.running || foregroundOf(session) || session.command.join(" ") || "at its prompt";

/** What is in front on its terminal, where that is not the shell itself. */
function foregroundOf({ foreground, command }: Listed["session"]): string {
  return foreground !== "" && !(command[0] ?? "").endsWith(foreground) ? foreground : "";
}

/** `isListed`: something stands below it; where nothing does, that says why. */
function HostBanner({ link, isListed }: { readonly link: HostLink; readonly isListed: boolean }): ReactNode {
  const state = useHostState(link);
  const now = useNow(1_000);
  // What is said of a mirror stands above every screen.
  const isRecord = useStore(link.record) !== null;
  if (isRecord && state.is === "offline") return null;
  if (state.is === "offline" && isListed)
    return (
      <Banner tone="warn">
        <span>
          <bdi>{link.name}</bdi> has not answered for {durationText(Math.max(0, now - state.sinceUnixMs))}. Its sessions live on;
          what is listed is as it was seen last.
        </span>
        <Button onPress={() => link.retry()}>Try now</Button>
      </Banner>
    );
  if (state.is === "refused")
    return (
      <Banner tone="bad">
        <span>
          <bdi>{link.name}</bdi> refuses this browser: {state.why}.{isListed ? " What is listed is as it was seen last." : ""} A
          new link lets this browser in again.
        </span>
      </Banner>
    );
  return null;
}

/** No host has answered since the page was opened. */
function Unseen({ links, isAway }: { readonly links: readonly HostLink[]; readonly isAway: boolean }): ReactNode {
  if (!isAway)
    return (
      <Empty title="Looking at your sessions">
        <p>The host is being asked.</p>
      </Empty>
    );
  return (
    <Empty icon={<Unplug size={32} strokeWidth={1.25} />} title="No host answers">
      <p>
        This page came from what your browser keeps of it. Sessions live on where they are: as soon as their host answers they are
        listed here, by themselves. On its machine, <code>hold host up</code> starts it.
      </p>
      <Button
        look="primary"
        onPress={() => {
          for (const link of links) link.retry();
        }}
      >
        Try now
      </Button>
    </Empty>
  );
}

interface NothingProps {
  readonly isFiltered: boolean;
  readonly hasEnded: boolean;
  readonly text: string;
  /** Null: nobody opens any here. */
  readonly onNew: (() => void) | null;
  readonly onClear: () => void;
}

function Nothing({ isFiltered, hasEnded, text, onNew, onClear }: NothingProps): ReactNode {
  const shortcut = useShortcut("new");
  if (isFiltered && text !== "")
    return (
      <Empty title={`Nothing fits “${text}”`}>
        <Button onPress={onClear}>Show all</Button>
      </Empty>
    );
  return (
    <Empty icon={<SquareTerminal size={32} strokeWidth={1.25} />} title="No session lives here">
      <p>
        A session is a shell, a job or any program that outlives whoever looks at it: this page, your network, the host itself.
        {hasEnded ? " Those that ended are behind “Ended”." : ""}
      </p>
      {onNew ? (
        <Button look="primary" onPress={onNew}>
          New session {shortcut ? <Kbd>{shortcut}</Kbd> : null}
        </Button>
      ) : null}
    </Empty>
  );
}

function fits({ link, session }: Listed, text: string): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const { name, running, cwd, command, group, id } = session;
  const here = [name, running, cwd, command.join(" "), group, id, link.name, ...session.operators.map((p) => p.name)]
    .join("\n")
    .toLowerCase();
  return words.every((word) => here.includes(word));
}
