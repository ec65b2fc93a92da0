/** Who did what, newest first: commands with their ends, what was typed, the floor, people, approvals. A command leads to what it printed. */
import { escapeText, type HostClient, OperatorKind, type OperatorInfo, type Session, shownExactly } from "@holdfast/sdk";
import { CircleDot, Info, Keyboard, Network, ShieldQuestion, Unplug } from "lucide-react";
import { type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { GridList, GridListItem, Input, ListLayout, SearchField, ToggleButton, Virtualizer } from "react-aria-components";
import { Avatar } from "../design/avatar.tsx";
import controls from "../design/controls.module.css";
import { Badge, Button } from "../design/controls.tsx";
import { agoText, durationText, exactText, useNow } from "../design/time.ts";
import { useStore } from "../store.ts";
import { CommandOutput } from "./command-output.tsx";
import { JournalWindow } from "./journal-window.ts";
import { type EntryKind, fitsWanted, type TimelineEntry } from "./timeline.ts";
import css from "./timeline.module.css";

export interface TimelinePanelProps {
  readonly client: HostClient;
  readonly session: Session;
}

const KINDS: Readonly<Record<EntryKind, string>> = {
  command: "Commands",
  typed: "Typed",
  floor: "Floor",
  people: "People",
  approval: "Approvals",
  session: "Session",
  gap: "Gaps",
};

export function TimelinePanel({ client, session }: TimelinePanelProps): ReactNode {
  // Of the session as it was when the panel was opened: what comes later comes by the journal.
  const [journal] = useState(() => new JournalWindow(client, session));
  useEffect(() => {
    void journal.open();
    return () => journal.end();
  }, [journal]);
  const entries = useStore(journal.entries);
  const hasOlder = useStore(journal.hasOlder);
  const wrong = useStore(journal.wrong);
  const names = useNames(client);
  const [text, setText] = useState("");
  const [kinds, setKinds] = useState<ReadonlySet<EntryKind>>(new Set());
  const [opened, setOpened] = useState<Extract<TimelineEntry, { kind: "command" }> | null>(null);
  const wanted = useDeferredValue(text);
  const shown = useMemo(
    () => entries.filter((entry) => fitsWanted(entry, { text: wanted, kinds }, (id) => names.get(id)?.name ?? id)).toReversed(),
    [entries, wanted, kinds, names],
  );
  return (
    <div className={css.panel}>
      <div className={css.bar}>
        <SearchField aria-label="Filter the timeline" value={text} onChange={setText}>
          <Input placeholder="Filter by text or person" />
        </SearchField>
        <div className={css.kinds}>
          {(Object.keys(KINDS) as EntryKind[]).map((kind) => (
            <ToggleButton
              key={kind}
              className={controls.button!}
              data-look="quiet"
              isSelected={kinds.has(kind)}
              onChange={(on) => setKinds(new Set(on ? [...kinds, kind] : [...kinds].filter((one) => one !== kind)))}
            >
              {KINDS[kind]}
            </ToggleButton>
          ))}
        </div>
      </div>
      {wrong ? <p className={css.hint}>{wrong}</p> : null}
      {shown.length === 0 ? (
        <p className={css.hint}>{entries.length === 0 ? "Nothing is recorded yet." : "Nothing fits that."}</p>
      ) : (
        <Entries shown={shown} names={names} onOpen={setOpened} />
      )}
      {hasOlder ? (
        <div className={css.older}>
          <Button look="quiet" onPress={() => void journal.older()}>
            What was before
          </Button>
        </div>
      ) : null}
      {opened ? <CommandOutput client={client} session={session} command={opened} onDone={() => setOpened(null)} /> : null}
    </div>
  );
}

type Names = ReadonlyMap<string, OperatorInfo>;

/** Of all that the host knows; of those whom it does not tell, the id is shown. */
function useNames(client: HostClient): Names {
  const [names, set] = useState<Names>(new Map());
  useEffect(() => {
    client.operatorList().then(
      (all) => set(new Map(all.map((one) => [one.id, one]))),
      () => {},
    );
  }, [client]);
  return names;
}

interface EntriesProps {
  readonly shown: readonly TimelineEntry[];
  readonly names: Names;
  readonly onOpen: (command: Extract<TimelineEntry, { kind: "command" }>) => void;
}

function Entries({ shown, names, onOpen }: EntriesProps): ReactNode {
  const now = useNow(10_000);
  const open = useRef(onOpen);
  open.current = onOpen;
  return (
    <Virtualizer layout={ListLayout} layoutOptions={{ estimatedRowHeight: 44 }}>
      <GridList
        className={css.list!}
        aria-label="Timeline, newest first"
        items={shown.map((entry) => ({ id: `${entry.kind} ${entry.seq}`, entry }))}
        dependencies={[names, now]}
        onAction={(id) => {
          const found = shown.find((entry) => `${entry.kind} ${entry.seq}` === id);
          if (found?.kind === "command") open.current(found);
        }}
      >
        {({ entry }) => (
          <GridListItem className={css.entry!} textValue={entry.kind === "typed" ? "typed" : entry.text}>
            <Who entry={entry} names={names} />
            <What entry={entry} names={names} />
            <time className={css.meta} title={exactText(entry.atMs)}>
              {entry.atMs > 0 ? agoText(entry.atMs, now) : ""}
            </time>
          </GridListItem>
        )}
      </GridList>
    </Virtualizer>
  );
}

const ICONS: Readonly<Record<EntryKind, ReactNode>> = {
  command: <CircleDot size={14} />,
  typed: <Keyboard size={14} />,
  floor: <Network size={14} />,
  people: <Info size={14} />,
  approval: <ShieldQuestion size={14} />,
  session: <Info size={14} />,
  gap: <Unplug size={14} />,
};

function Who({ entry, names }: { readonly entry: TimelineEntry; readonly names: Names }): ReactNode {
  const known = names.get(entry.actor);
  if (known) return <Avatar name={known.name} kind={known.kind} via={entry.via} />;
  return <span aria-hidden>{ICONS[entry.kind]}</span>;
}

function What({ entry, names }: { readonly entry: TimelineEntry; readonly names: Names }): ReactNode {
  const known = names.get(entry.actor);
  const isAi = known?.kind === OperatorKind.AI;
  if (entry.kind === "command")
    return (
      <div className={css.said}>
        <code>{escapeText(entry.text)}</code>
        <div className={css.meta}>
          <End end={entry.end} atMs={entry.atMs} /> in {entry.cwd}
          {isAi ? " · AI" : ""}
        </div>
      </div>
    );
  if (entry.kind === "typed")
    return (
      <div className={css.said}>
        {entry.secret ? (
          <span className={css.meta}>typed a secret, which is not kept</span>
        ) : entry.bytes.length === 0 ? (
          <span className={css.meta}>typed {entry.untold} bytes, which are not told</span>
        ) : (
          <code>{shownExactly(entry.bytes)}</code>
        )}
      </div>
    );
  return (
    <div className={css.said} data-tone={entry.tone}>
      {known ? <b>{known.name} </b> : null}
      {escapeText(entry.text)}
    </div>
  );
}

type CommandEnd = Extract<TimelineEntry, { kind: "command" }>["end"];

function End({ end, atMs }: { readonly end: CommandEnd; readonly atMs: number }): ReactNode {
  if (!end) return <Badge tone="accent">runs</Badge>;
  const took = durationText(end.atMs - atMs);
  if (end.code === null) return <Badge>ended after {took}</Badge>;
  return end.code === 0 ? (
    <Badge>{took}</Badge>
  ) : (
    <Badge tone="bad">
      code {end.code}, {took}
    </Badge>
  );
}
