/** All of one host: what it is and does, what an admin should know of it, how it is reached, where its record is copied to, and what it writes of itself. */
import { HoldError, type HostClient, type HostStatusAnswer, type MirrorStatus, type Uplink } from "@holdfast/sdk";
import { Server } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { Badge, Banner, Button, Empty } from "../design/controls.tsx";
import shapes from "../design/shapes.module.css";
import { agoText, durationText, exactText, useNow } from "../design/time.ts";
import { Bar } from "../shell/bar.tsx";
import { paths } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import css from "./host.module.css";
import type { HostLink } from "./host-link.ts";
import { useHostState, useLink } from "./hosts.ts";
import { Fact, HostCard, useStatus } from "./hosts-page.tsx";

export function HostPage({ hostId }: { readonly hostId: string }): ReactNode {
  const link = useLink(hostId);
  if (!link)
    return (
      <>
        <Bar title="Unknown host" />
        <Empty icon={<Server size={32} strokeWidth={1.25} />} title="This browser does not know that host">
          <p>
            <Link to={paths.hosts}>Hosts</Link> lists those that it knows.
          </p>
        </Empty>
      </>
    );
  return <OfHost link={link} />;
}

function OfHost({ link }: { readonly link: HostLink }): ReactNode {
  const state = useHostState(link);
  const status = useStatus(link);
  const client = state.is === "up" ? state.client : null;
  const isRecord = useStore(link.record) !== null;
  return (
    <>
      <Bar title={link.name}>
        <Link to={paths.hosts}>All hosts</Link>
      </Bar>
      {state.is === "offline" ? (
        <Banner tone="warn">
          It does not answer since {exactText(state.sinceUnixMs)}; what stands here is from before. The console dials again by
          itself.
        </Banner>
      ) : null}
      <div className={css.all}>
        <HostCard link={link} status={status} />
        {isRecord ? (
          <p>
            What stands here was copied to the mirror before; the host itself does not answer by it. Its sessions, timelines,
            playbacks and audit can be read.
          </p>
        ) : (
          <>
            {status ? <Known status={status} /> : state.is === "up" ? <p role="status">Asking…</p> : null}
            {client ? <Mirror client={client} /> : null}
            {client ? <Log key={link.host.id} client={client} /> : null}
          </>
        )}
      </div>
    </>
  );
}

const MIB = 2 ** 20;
const bytesText = (bytes: number): string =>
  bytes < MIB
    ? `${Math.ceil(bytes / 1024)} KiB`
    : bytes < 1024 * MIB
      ? `${(bytes / MIB).toFixed(1)} MiB`
      : `${(bytes / MIB / 1024).toFixed(1)} GiB`;

const LIMITS: Readonly<Record<string, readonly [name: string, text: (value: string) => string]>> = {
  sessions: ["Sessions at once", (value) => value],
  inputQueueBytes: ["Input waiting, each session", (value) => bytesText(Number(value))],
  behindBytes: ["Output unread, each reader", (value) => bytesText(Number(value))],
};

function Known({ status }: { readonly status: HostStatusAnswer }): ReactNode {
  const { frozen, notices, witnessAlarms, addresses, uplinks, limits } = status;
  const isWell = frozen === "" && notices.length === 0 && witnessAlarms.length === 0;
  return (
    <>
      <Part title="Health">
        {isWell ? <p>Nothing that an admin should see to.</p> : null}
        <ul className={css.notes}>
          {frozen === "" ? null : <li data-tone="bad">The journal can’t be written, and input is refused: {frozen}</li>}
          {witnessAlarms.map((alarm) => (
            <li key={`${alarm.by} ${alarm.head?.lsn}`} data-tone="bad">
              The record contradicts record {String(alarm.head?.lsn ?? "?")}, which {alarm.by} has kept ({alarm.found}); found{" "}
              {exactText(Number(alarm.atUnixMs))}
            </li>
          ))}
          {notices.map((notice) => (
            <li key={notice} data-tone="warn">
              {notice}
            </li>
          ))}
        </ul>
      </Part>
      <Part title="Limits and load">
        <dl className={shapes.facts}>
          {Object.entries(limits).map(([key, value]) => {
            const [name, text] = LIMITS[key] ?? [key, (raw: string) => raw];
            return <Fact key={key} name={name} value={text(value)} />;
          })}
          {status.lagUsP99 > 0n ? (
            <Fact name="Loop lag, p99" value={`${(Number(status.lagUsP99) / 1_000).toFixed(1)} ms`} />
          ) : null}
          <Fact name="Process" value={status.pid} />
          <Fact name="Home" value={<code>{status.home}</code>} />
          <Fact name="Shim" value={<code>{status.shim}</code>} />
        </dl>
      </Part>
      <Part title="Ways to it">
        <dl className={shapes.facts}>
          {Object.entries(addresses).map(([carrier, address]) => (
            <Fact key={carrier} name={carrier} value={<code>{address}</code>} />
          ))}
          {status.sshHostKey ? <Fact name="Key of its SSH server" value={<code>{status.sshHostKey}</code>} /> : null}
        </dl>
        {Object.keys(addresses).length === 0 ? <p>It listens on nothing but its own socket.</p> : null}
        <h3>Relays that it dials</h3>
        {uplinks.length === 0 ? (
          <p>None.</p>
        ) : (
          <ul className={css.notes}>
            {uplinks.map((uplink) => (
              <Relay key={uplink.url} uplink={uplink} />
            ))}
          </ul>
        )}
      </Part>
    </>
  );
}

function Relay({ uplink }: { readonly uplink: Uplink }): ReactNode {
  const now = useNow();
  const { url, name, state, sinceUnixMs, why, allowPlain, tunnels, version, rttUs } = uplink;
  return (
    <li>
      <code>{url}</code> as {name} <Badge tone={state === "connected" || state === "standby" ? "accent" : "warn"}>{state}</Badge>{" "}
      {agoText(Number(sinceUnixMs), now)}
      {version ? `, version ${version}` : ""}
      {rttUs > 0 ? `, answers in ${(rttUs / 1_000).toFixed(1)} ms` : ""}, {tunnels} tunnels
      {allowPlain ? ", pages let in (not end to end)" : ""}
      {why ? `: ${why}` : ""}
    </li>
  );
}

function Part({ title, children }: { readonly title: string; readonly children: ReactNode }): ReactNode {
  return (
    <section className={css.part} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

const LOOK_MS = 5_000;

type Told<T> =
  | { readonly is: "asking" }
  | { readonly is: "told"; readonly value: T }
  | { readonly is: "no"; readonly why: string };

function Mirror({ client }: { readonly client: HostClient }): ReactNode {
  const now = useNow();
  const [mirror, set] = useState<Told<MirrorStatus>>({ is: "asking" });
  useEffect(() => {
    let isLeft = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async (): Promise<void> => {
      const told = await client.mirrorStatus().then(
        (value): Told<MirrorStatus> => ({ is: "told", value }),
        (fault: unknown): Told<MirrorStatus> => ({ is: "no", why: whyOf(fault, "Auditors and admins are told.") }),
      );
      if (isLeft) return;
      set(told);
      if (told.is === "told") timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, [client]);
  return (
    <Part title="Mirror of its record">
      {mirror.is === "asking" ? <p role="status">Asking…</p> : null}
      {mirror.is === "no" ? <p>{mirror.why}</p> : null}
      {mirror.is === "told" ? <MirrorFacts mirror={mirror.value} now={now} /> : null}
    </Part>
  );
}

function MirrorFacts({ mirror, now }: { readonly mirror: MirrorStatus; readonly now: number }): ReactNode {
  if (mirror.state === "off") return <p>Its record is copied nowhere, and ends with its machine.</p>;
  return (
    <>
      <dl className={shapes.facts}>
        <Fact name="State" value={<Badge tone={mirror.state === "mirrored" ? "accent" : "warn"}>{mirror.state}</Badge>} />
        <Fact
          name="Where"
          value={
            <code>
              {mirror.url} {mirror.bucket}
            </code>
          }
        />
        <Fact name="As of" value={mirror.asOfUnixMs > 0n ? agoText(Number(mirror.asOfUnixMs), now) : "nothing yet"} />
        <Fact name="Copied" value={`${bytesText(Number(mirror.bytes))} in ${mirror.files} files`} />
        {mirror.lagKnown ? (
          <Fact name="Behind" value={`${bytesText(Number(mirror.lagBytes))}, ${durationText(Number(mirror.lagMs))}`} />
        ) : null}
      </dl>
      {mirror.why ? <p data-tone="warn">{mirror.why}</p> : null}
    </>
  );
}

function whyOf(fault: unknown, whose: string): string {
  if (fault instanceof HoldError && fault.code === "not_permitted") return whose;
  if (fault instanceof HoldError && fault.code === "unsupported")
    return "This host is older than the console, and does not tell.";
  return fault instanceof Error ? fault.message : String(fault);
}

const LINES = 200;
const MOST_LINES = 2_000;

/** Its end stays in sight while one stands there. */
function Log({ client }: { readonly client: HostClient }): ReactNode {
  const [lines, setLines] = useState<readonly string[] | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const shown = wanted === "" ? lines : (lines?.filter((line) => line.toLowerCase().includes(wanted)) ?? null);
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (!isFollowing) return;
    const over = new AbortController();
    let isFirst = true;
    const told = (more: readonly string[]): void => {
      if (over.signal.aborted) return;
      const anew = isFirst;
      isFirst = false;
      setLines((before) => [...(anew ? [] : (before ?? [])), ...more].slice(-MOST_LINES));
    };
    setWrong(null);
    client.log(told, { lines: LINES, follow: true, signal: over.signal }).catch((fault: unknown) => {
      if (!over.signal.aborted) setWrong(whyOf(fault, "The host’s log is for its admins."));
    });
    return () => over.abort();
  }, [client, isFollowing]);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: when there are other lines
  useEffect(() => {
    const { current: frame } = box;
    if (frame && atEnd.current) frame.scrollTop = frame.scrollHeight;
  }, [shown?.length, lines]);
  return (
    <Part title="Its log">
      {wrong ? <p>{wrong}</p> : null}
      {lines === null ? (
        wrong ? null : (
          <p role="status">Asking…</p>
        )
      ) : lines.length === 0 ? (
        <p>It has written nothing yet.</p>
      ) : (
        <>
          <pre
            ref={box}
            className={css.log}
            role="log"
            aria-label="Lines of the host’s log"
            aria-live="off"
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
            tabIndex={0}
            onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
              atEnd.current = scrollTop + clientHeight >= scrollHeight - 24;
            }}
          >
            {shown?.join("\n")}
          </pre>
          <search className={css.find}>
            <Button onPress={() => setFollowing((is) => !is)}>{isFollowing ? "Pause" : "Follow"}</Button>
            <input
              type="search"
              aria-label="Text in the log"
              placeholder="Find"
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
            <span role="status">{wanted === "" ? "" : `${shown?.length ?? 0} of ${lines.length} lines`}</span>
          </search>
        </>
      )}
    </Part>
  );
}
