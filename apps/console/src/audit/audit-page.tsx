/** The record of a whole host: who did what, over all sessions, newest first; searched, verified by the host, and saved. */
import { type AuditQuery, type AuditRecord, type HostClient, type OperatorInfo, OperatorKind } from "@holdfast/sdk";
import { Download, RotateCw, ScrollText, ShieldCheck } from "lucide-react";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Link } from "wouter";
import { Avatar } from "../design/avatar.tsx";
import { Banner, Button, Empty, IconButton } from "../design/controls.tsx";
import { exactText } from "../design/time.ts";
import { HostChoice } from "../host/host-choice.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useLastClient, useLinks } from "../host/hosts.ts";
import { useOperators } from "../host/names.ts";
import { Bar } from "../shell/bar.tsx";
import { sessionPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import css from "./audit.module.css";
import { AuditFeed, type FeedState } from "./feed.ts";
import { Saving } from "./saving.tsx";
import { Verification } from "./verification.tsx";
import { type Group, groups, saidBy } from "./words.ts";

export function AuditPage(): ReactNode {
  const links = useLinks();
  const [chosen, choose] = useState<string | null>(null);
  const link = links.find(({ host }) => host.id === chosen) ?? links[0];
  if (!link)
    return (
      <>
        <Bar title="Audit" />
        <Empty icon={<ScrollText size={32} strokeWidth={1.25} />} title="No host is known here">
          <p>Add one under Hosts: its record is read over the link to it.</p>
        </Empty>
      </>
    );
  return <OfHost key={link.host.id} link={link} picker={<HostChoice links={links} link={link} onChoose={choose} />} />;
}

interface Filter {
  readonly text: string;
  readonly group: Group;
  /** Operator id; empty: anybody. */
  readonly actor: string;
}

function OfHost({ link, picker }: { readonly link: HostLink; readonly picker: ReactNode }): ReactNode {
  const state = useHostState(link);
  const client = state.is === "up" ? state.client : null;
  const last = useLastClient(link);
  const [doing, setDoing] = useState<"verify" | "save" | null>(null);
  const [filter, setFilter] = useState<Filter>({ text: "", group: "deeds", actor: "" });
  const query = useMemo(() => queryOf(filter), [filter]);
  return (
    <>
      <Bar title="Audit">
        {picker}
        <Button isDisabled={!client || doing !== null} onPress={() => setDoing("verify")}>
          <ShieldCheck size={15} aria-hidden /> Verify
        </Button>
        <Button isDisabled={!client || doing !== null} onPress={() => setDoing("save")}>
          <Download size={15} aria-hidden /> Export
        </Button>
      </Bar>
      {state.is === "offline" || (state.is === "connecting" && last) ? (
        <Banner tone="warn">{link.name} does not answer now. The console dials again by itself.</Banner>
      ) : null}
      {client && doing === "verify" ? <Verification client={client} onDone={() => setDoing(null)} /> : null}
      {client && doing === "save" ? (
        <Saving client={client} host={link.name} query={query} onDone={() => setDoing(null)} />
      ) : null}
      {state.is === "refused" ? (
        <Empty title={`${link.name} refuses this browser`}>
          <p>{state.why}</p>
        </Empty>
      ) : last ? (
        <Read link={link} client={last} filter={filter} query={query} onFilter={setFilter} />
      ) : (
        <p className={css.none} role="status">
          {state.is === "connecting" ? "Asking…" : ""}
        </p>
      )}
    </>
  );
}

const queryOf = ({ text, group, actor }: Filter): AuditQuery => ({
  text: text.trim(),
  kinds: groups[group].kinds,
  ...(actor === "" ? {} : { actor }),
});

interface ReadProps {
  readonly link: HostLink;
  readonly client: HostClient;
  readonly filter: Filter;
  readonly query: AuditQuery;
  readonly onFilter: (filter: Filter) => void;
}

/** Typing is over for so long before the host is asked. */
const TYPED_MS = 300;

function Read({ link, client, filter, query, onFilter }: ReadProps): ReactNode {
  const operators = useOperators(client);
  const [feed, setFeed] = useState<AuditFeed | null>(null);
  const [again, setAgain] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each press reads the newest again
  useEffect(() => {
    let made: AuditFeed | null = null;
    const timer = setTimeout(
      () => {
        made = new AuditFeed(client.audit, query);
        setFeed(made);
      },
      query.text ? TYPED_MS : 0,
    );
    return () => {
      clearTimeout(timer);
      made?.end();
    };
  }, [client, query, again]);
  return (
    <>
      <search className={css.filters}>
        <input
          type="search"
          aria-label="Text in the record"
          placeholder="Search what was typed, printed or said"
          value={filter.text}
          onChange={({ target }) => onFilter({ ...filter, text: target.value })}
        />
        <select
          aria-label="What"
          value={filter.group}
          onChange={({ target }) => onFilter({ ...filter, group: target.value as Group })}
        >
          {Object.entries(groups).map(([group, { name }]) => (
            <option key={group} value={group}>
              {name}
            </option>
          ))}
        </select>
        <select aria-label="Who" value={filter.actor} onChange={({ target }) => onFilter({ ...filter, actor: target.value })}>
          <option value="">Anyone</option>
          {[...operators.values()].map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
        <IconButton label="Read the newest again" onPress={() => setAgain((n) => n + 1)}>
          <RotateCw size={15} />
        </IconButton>
      </search>
      {feed ? <Records feed={feed} link={link} operators={operators} isFiltered={isFiltered(filter)} /> : null}
    </>
  );
}

const isFiltered = ({ text, group, actor }: Filter): boolean => text.trim() !== "" || group !== "deeds" || actor !== "";

interface RecordsProps {
  readonly feed: AuditFeed;
  readonly link: HostLink;
  readonly operators: ReadonlyMap<string, OperatorInfo>;
  readonly isFiltered: boolean;
}

function Records({ feed, link, operators, isFiltered }: RecordsProps): ReactNode {
  const { records, reachedUnixMs } = useStore(feed.fed);
  const state = useStore(feed.state);
  const sessions = useStore(link.sessions);
  if (state.is === "failed" && records.length === 0) return <Refused state={state} name={link.name} />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <section className={css.scroll} aria-label="Records, newest first" aria-busy={state.is === "reading"} tabIndex={0}>
      <ul>
        {records.map((record) => (
          <Row
            key={record.lsn}
            record={record}
            hostId={link.host.id}
            operators={operators}
            name={sessions?.get(record.session)?.name ?? null}
          />
        ))}
      </ul>
      <div className={css.end} role="status">
        {state.is === "reading" ? (
          <span>{reachedUnixMs === null ? "Reading the record…" : `Looked back to ${exactText(reachedUnixMs)}…`}</span>
        ) : null}
        {state.is === "failed" ? <span data-tone="bad">{state.why}</span> : null}
        {state.is === "read" && state.isAll ? (
          <span>
            {records.length > 0
              ? "This is the oldest."
              : isFiltered
                ? "Nothing in this record is like that."
                : "Nothing is recorded yet."}
          </span>
        ) : null}
        {state.is === "failed" || (state.is === "read" && !state.isAll) ? (
          <Button onPress={() => feed.more()}>{state.is === "failed" ? "Try again" : "Load more"}</Button>
        ) : null}
      </div>
    </section>
  );
}

function Refused({ state, name }: { readonly state: FeedState & { readonly is: "failed" }; readonly name: string }): ReactNode {
  const isRight = state.code === "not_permitted";
  return (
    <Empty
      icon={<ScrollText size={32} strokeWidth={1.25} />}
      title={isRight ? "This record is not yours to read" : `${name} does not tell`}
    >
      <p>
        {isRight
          ? "The record of a whole host is for its auditors and admins. What you may see of one session stands in its timeline."
          : state.code === "unsupported"
            ? "This host is older than the console, and does not tell its record over a link: hold audit show reads it on its machine."
            : state.why}
      </p>
    </Empty>
  );
}

interface RowProps {
  readonly record: AuditRecord;
  readonly hostId: string;
  readonly operators: ReadonlyMap<string, OperatorInfo>;
  /** Of its session, if that is there. */
  readonly name: string | null;
}

function Row({ record, hostId, operators, name }: RowProps): ReactNode {
  const { text, tone, to } = saidBy(record);
  const actor = record.event?.actor ?? "";
  const by = operators.get(actor);
  const isOwn = actor === "" || actor === "program" || actor.startsWith("system:");
  return (
    <li className={css.row} data-tone={tone}>
      {isOwn ? (
        <span className={css.system} aria-hidden />
      ) : (
        <Avatar name={by?.name ?? actor} kind={by?.kind ?? OperatorKind.UNSPECIFIED} via={record.event?.via ?? ""} />
      )}
      <span className={css.said}>
        <span className={css.text}>
          {text}
          {to ? ` ${operators.get(to)?.name ?? to}` : ""}
        </span>
        <span className={css.meta}>
          {record.atUnixMs > 0 ? (
            <time dateTime={new Date(record.atUnixMs).toISOString()}>{exactText(record.atUnixMs)}</time>
          ) : null}
          <span>{isOwn ? actor.replace(/^system:/, "") || "journal" : (by?.name ?? actor)}</span>
          {name === null ? (
            record.session && record.session !== "host" ? (
              <code>{record.session}</code>
            ) : null
          ) : (
            <Link to={sessionPath(hostId, record.session)}>{name}</Link>
          )}
          <span>record {record.lsn}</span>
        </span>
      </span>
    </li>
  );
}
