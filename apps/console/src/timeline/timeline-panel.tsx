/** A session's timeline: filters, the list, and below it what the chosen command printed. */
import { Play, X } from "lucide-react";
import {
  type KeyboardEvent,
  type ReactNode,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { Link, useLocation } from "wouter";
import { Avatar } from "../design/avatar.tsx";
import { Banner, IconButton } from "../design/controls.tsx";
import { durationText, exactText } from "../design/time.ts";
import { type Names, useNames } from "../host/names.ts";
import { OnSession } from "../session/on-session.tsx";
import type { PanelProps } from "../session/panel.ts";
import { Bar } from "../shell/bar.tsx";
import { playbackPath, sessionPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import { OutputView } from "./output-view.tsx";
import { everything, type Filter, filtered, kindNames } from "./filter.ts";
import type { Item, ItemKind } from "./item.ts";
import { JournalPages } from "./journal.ts";
import { isAtEnd, seenRows } from "./rows.ts";
import css from "./timeline.module.css";

/** As in the style: a row has two lines, and no other height. */
const ROW_PX = 48;
/** So near its top, a list asks for what is older. */
const NEAR_PX = ROW_PX * 20;

export function TimelinePage({ hostId, sessionId }: { readonly hostId: string; readonly sessionId: string }): ReactNode {
  return (
    <OnSession hostId={hostId} sessionId={sessionId}>
      {(there) => (
        <>
          <Bar title={`Timeline of ${there.session.name}`}>
            <Link to={sessionPath(hostId, sessionId)}>Terminal</Link>
          </Bar>
          <TimelinePanel {...there} />
        </>
      )}
    </OnSession>
  );
}

export function TimelinePanel({ link, client, session }: PanelProps): ReactNode {
  const [, go] = useLocation();
  const [pages, setPages] = useState<JournalPages | null>(null);
  // Read from where it stood when this was opened: what comes after comes by itself.
  const opened = useRef(session);
  useEffect(() => {
    const read = new JournalPages(client, opened.current);
    setPages(read);
    return () => read.end();
  }, [client]);
  const names = useNames(client, session);
  const [filter, setFilter] = useState<Filter>(everything);
  const [chosen, setChosen] = useState<number | null>(null);
  return (
    <div className={css.panel}>
      {pages ? (
        <>
          <Filters pages={pages} filter={filter} onChange={setFilter} names={names}>
            <IconButton label="Play it back" onPress={() => go(playbackPath(link.host.id, session.id))}>
              <Play size={15} />
            </IconButton>
          </Filters>
          <List pages={pages} filter={filter} names={names} chosen={chosen} onChoose={setChosen} />
          <Chosen pages={pages} seq={chosen} client={client} session={session} onDone={() => setChosen(null)} />
        </>
      ) : null}
    </div>
  );
}

interface FiltersProps {
  readonly pages: JournalPages;
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
  readonly names: Names;
  readonly children: ReactNode;
}

function Filters({ pages, filter, onChange, names, children }: FiltersProps): ReactNode {
  const { items } = useStore(pages.listed);
  const actors = useMemo(() => [...new Set(items.map((item) => item.actor))].filter((actor) => actor !== ""), [items]);
  return (
    <search className={css.filters}>
      <input
        type="search"
        aria-label="Text in the timeline"
        placeholder="Filter"
        value={filter.text}
        onChange={({ target }) => onChange({ ...filter, text: target.value })}
      />
      <select
        aria-label="What"
        value={filter.kind ?? ""}
        onChange={({ target }) => onChange({ ...filter, kind: (target.value || null) as ItemKind | null })}
      >
        <option value="">All</option>
        {Object.entries(kindNames).map(([kind, name]) => (
          <option key={kind} value={kind}>
            {name}
          </option>
        ))}
      </select>
      <select
        aria-label="Who"
        value={filter.actor ?? ""}
        onChange={({ target }) => onChange({ ...filter, actor: target.value || null })}
      >
        <option value="">Anyone</option>
        {actors.map((actor) => (
          <option key={actor} value={actor}>
            {names(actor).name}
          </option>
        ))}
      </select>
      {children}
    </search>
  );
}

interface ListProps {
  readonly pages: JournalPages;
  readonly filter: Filter;
  readonly names: Names;
  readonly chosen: number | null;
  readonly onChoose: (seq: number) => void;
}

function List({ pages, filter, names, chosen, onChoose }: ListProps): ReactNode {
  const listed = useStore(pages.listed);
  const state = useStore(pages.state);
  const hasOlder = useStore(pages.hasOlder);
  const wanted = useDeferredValue(filter);
  const shown = useMemo(() => filtered(listed.items, wanted), [listed, wanted]);
  const rows = useRef(shown);
  rows.current = shown;
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState({ top: 0, height: 0 });
  const follows = useRef(true);
  const lastSeq = useRef<{ readonly seq: number; readonly at: number } | null>(null);
  const look = useCallback((): void => {
    const { scrollTop, clientHeight, scrollHeight } = box.current!;
    follows.current = isAtEnd(scrollTop, clientHeight, scrollHeight);
    setPlace({ top: scrollTop, height: clientHeight });
  }, []);
  useLayoutEffect(() => {
    const watcher = new ResizeObserver(look);
    watcher.observe(box.current!);
    return () => watcher.disconnect();
  }, [look]);
  // The row at the top stays there while older ones come above it; at the end, the end does.
  useLayoutEffect(() => {
    const { current: frame } = box;
    if (!frame) return;
    const kept = lastSeq.current;
    if (follows.current) frame.scrollTop = frame.scrollHeight;
    else if (kept) {
      const at = shown.findIndex((item) => item.seq === kept.seq);
      if (at >= 0 && at !== kept.at) frame.scrollTop += (at - kept.at) * ROW_PX;
    }
    setPlace({ top: frame.scrollTop, height: frame.clientHeight });
  }, [shown]);
  const { first, end } = seenRows(place.top, place.height, ROW_PX, shown.length);
  const top = Math.min(shown.length - 1, Math.floor(place.top / ROW_PX));
  lastSeq.current = shown[top] ? { seq: shown[top].seq, at: top } : null;
  useEffect(() => {
    if (hasOlder && state.is === "read" && place.top < NEAR_PX) void pages.older();
  }, [pages, hasOlder, state, place.top]);
  // Opening its output takes room: the row that was chosen stays in sight.
  useLayoutEffect(() => {
    const at = place.height > 0 && chosen !== null ? rows.current.findIndex((item) => item.seq === chosen) : -1;
    if (at < 0) return;
    const { current: frame } = box;
    if (!frame) return;
    const least = (at + 1) * ROW_PX - frame.clientHeight;
    follows.current = false;
    frame.scrollTop = Math.min(at * ROW_PX, Math.max(least, frame.scrollTop));
  }, [chosen, place.height]);
  const pressed = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const drawn = [...box.current!.querySelectorAll<HTMLElement>("[data-row]")];
    drawn[drawn.indexOf(document.activeElement as HTMLElement) + step]?.focus();
    event.preventDefault();
  };
  return (
    <>
      {state.is === "failed" ? (
        <Banner tone="bad">
          <span>The record could not be read: {state.why}</span>
        </Banner>
      ) : null}
      <div className={css.list} ref={box} onScroll={look}>
        <ul
          style={{ blockSize: shown.length * ROW_PX, position: "relative" }}
          onKeyDown={pressed}
          aria-label="Timeline"
          aria-busy={state.is === "reading"}
        >
          {shown.slice(first, end).map((item, at) => (
            <Row
              key={item.seq}
              item={item}
              top={(first + at) * ROW_PX}
              place={{ at: first + at + 1, of: shown.length }}
              names={names}
              isChosen={item.seq === chosen}
              onChoose={onChoose}
            />
          ))}
        </ul>
        {shown.length === 0 && state.is !== "failed" ? (
          <p className={css.none}>{state.is === "reading" ? "Reading the record" : "Nothing in this record is like that."}</p>
        ) : null}
      </div>
    </>
  );
}

interface RowProps {
  readonly item: Item;
  readonly top: number;
  readonly place: { readonly at: number; readonly of: number };
  readonly names: Names;
  readonly isChosen: boolean;
  readonly onChoose: (seq: number) => void;
}

function Row({ item, top, place, names, isChosen, onChoose }: RowProps): ReactNode {
  const who = names(item.actor);
  const { command } = item;
  return (
    <li className={css.row} style={{ insetBlockStart: top }} aria-posinset={place.at} aria-setsize={place.of}>
      <button
        type="button"
        data-row
        data-kind={item.kind}
        data-tone={item.tone}
        aria-pressed={command ? isChosen : undefined}
        title={item.typed ? `${item.text}\n\nTyped: ${item.typed}` : item.text}
        onClick={() => command && onChoose(item.seq)}
      >
        {item.actor === "" || item.actor.startsWith("system:") ? (
          <span className={css.system} aria-hidden />
        ) : (
          <Avatar name={who.name} kind={who.kind} via={item.via} />
        )}
        <span className={css.said}>
          <span className={css.text}>
            {item.text}
            {item.to ? ` ${names(item.to).name}` : ""}
          </span>
          <span className={css.meta}>
            <time dateTime={new Date(item.atMs).toISOString()} title={exactText(item.atMs)}>
              {clock.format(item.atMs)}
            </time>
            {item.actor ? <span>{`${who.name}${item.via && item.via !== "host" ? ` · ${item.via}` : ""}`}</span> : null}
            {command ? <CommandEnd command={command} /> : null}
          </span>
        </span>
      </button>
    </li>
  );
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

function CommandEnd({ command }: { readonly command: NonNullable<Item["command"]> }): ReactNode {
  if (command.endedSeq === null) return <span data-running>not ended</span>;
  return (
    <>
      <span data-exit={command.code === 0 ? "good" : "bad"}>
        {command.code === null ? "exit unknown" : `exit ${command.code}`}
      </span>
      {command.durationMs === null ? null : <span>{durationText(command.durationMs)}</span>}
    </>
  );
}

interface ChosenProps extends Pick<PanelProps, "client" | "session"> {
  readonly pages: JournalPages;
  readonly seq: number | null;
  readonly onDone: () => void;
}

function Chosen({ pages, seq, client, session, onDone }: ChosenProps): ReactNode {
  const { items } = useStore(pages.listed);
  const item = seq === null ? null : items.find((one) => one.seq === seq);
  if (!item?.command) return null;
  return (
    <section className={css.chosen} aria-label={`What ${item.text} printed`}>
      <header>
        <code>{item.text}</code>
        <IconButton label="Close the output" onPress={onDone}>
          <X size={15} />
        </IconButton>
      </header>
      {item.typed === undefined || item.typed === `${item.text}\\r` ? null : (
        <p className={css.note}>
          Typed as <code>{item.typed}</code>
        </p>
      )}
      <OutputView
        key={`${item.seq} ${item.command.endedSeq}`}
        client={client}
        session={session}
        item={item}
        size={pages.sizeAt(item.seq)}
      />
    </section>
  );
}
