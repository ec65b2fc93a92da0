/** The hosts of this browser: whether they answer, what they are, how one is added and forgotten. */
import type { HostStatusAnswer } from "@holdfast/sdk";
import { Plus } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { Link } from "wouter";
import { Badge, Button, Dialog, Dot } from "../design/controls.tsx";
import shapes from "../design/shapes.module.css";
import { agoText, exactText, useNow } from "../design/time.ts";
import { sizeText } from "../files/content.ts";
import { Bar } from "../shell/bar.tsx";
import { hostPath } from "../shell/routes.ts";
import { useStore } from "../store.ts";
import type { HostLink, HostState } from "./host-link.ts";
import css from "./hosts.module.css";
import { useHostState, useHosts, useLinks } from "./hosts.ts";
import { JoinForm } from "./join-form.tsx";
import { NotEndToEnd } from "./not-end-to-end.tsx";

export function HostsPage(): ReactNode {
  const links = useLinks();
  const [isAdding, setAdding] = useState(false);
  return (
    <>
      <Bar title="Hosts">
        <Button onPress={() => setAdding(true)}>
          <Plus size={15} aria-hidden /> Add host
        </Button>
      </Bar>
      <div className={css.all}>
        {links.map((link) => (
          <OfList key={link.host.id} link={link} />
        ))}
      </div>
      <Dialog
        title="Add a host"
        about={
          <>
            On its machine, <code>hold console</code> or <code>hold operator invite</code> prints what this asks for.
          </>
        }
        isOpen={isAdding}
        onClose={() => setAdding(false)}
      >
        <JoinForm label="Its invitation" onJoined={() => setAdding(false)} />
      </Dialog>
    </>
  );
}

function OfList({ link }: { readonly link: HostLink }): ReactNode {
  return (
    <HostCard
      link={link}
      status={useStatus(link)}
      more={
        <Link to={hostPath(link.host.id)} aria-label={`Details of ${link.name}`}>
          Details
        </Link>
      }
    />
  );
}

interface HostCardProps {
  readonly link: HostLink;
  readonly status: HostStatusAnswer | null;
  /** The way to more of it. */
  readonly more?: ReactNode;
}

export function HostCard({ link, status, more }: HostCardProps): ReactNode {
  const { host } = link;
  const state = useHostState(link);
  const record = useStore(link.record);
  const hosts = useHosts();
  const [isForgetting, setForgetting] = useState(false);
  const now = useNow();
  return (
    <section className={css.card} aria-labelledby={`host-${host.id}`}>
      <header>
        {record && state.is === "up" ? (
          <Dot hollow />
        ) : (
          <Dot tone={state.is === "up" ? "good" : state.is === "connecting" ? "warn" : "bad"} />
        )}
        <h2 id={`host-${host.id}`}>
          <bdi>{link.name}</bdi>
        </h2>
        <StateBadge is={state.is} isRecord={record !== null} />
        {link.relay === null ? null : <Badge tone="warn">not end to end</Badge>}
        {more}
        <Button look="quiet" aria-label={`Forget ${link.name}`} onPress={() => setForgetting(true)}>
          Forget
        </Button>
      </header>
      {state.is === "offline" || state.is === "refused" ? <p role="status">{state.why}</p> : null}
      <NotEndToEnd link={link} />
      <dl className={shapes.facts}>
        <Fact name="Address" value={<code>{host.url}</code>} />
        <Fact name="Id" value={<code>{host.id}</code>} />
        {status && record ? (
          <>
            <Fact name="As of" value={exactText(record.asOfUnixMs)} />
            <Fact name="Sessions" value={status.sessions} />
          </>
        ) : status ? (
          <>
            <Fact name="Version" value={`${status.version}, protocol ${status.protocol}`} />
            <Fact name="Started" value={agoText(Number(status.startedUnixMs), now)} />
            <Fact name="Sessions" value={`${status.running} live of ${status.sessions}`} />
            <Fact name="Attached" value={`${status.attachments} over ${status.links} links`} />
            <Fact name="Memory" value={sizeText(Number(status.rssBytes))} />
            <Fact name="Journal" value={sizeText(Number(status.journalBytes))} />
          </>
        ) : null}
      </dl>
      <Dialog
        title={`Forget ${link.name}?`}
        about="This browser’s key for it is deleted: to come back you need a new link. The host keeps your other keys, and its sessions run on."
        isOpen={isForgetting}
        isAlert
        onClose={() => setForgetting(false)}
      >
        <footer>
          <Button autoFocus onPress={() => setForgetting(false)}>
            Cancel
          </Button>
          <Button look="danger" onPress={() => void hosts.forget(host.id)}>
            Forget
          </Button>
        </footer>
      </Dialog>
    </section>
  );
}

function StateBadge({ is, isRecord }: { readonly is: HostState["is"]; readonly isRecord: boolean }): ReactNode {
  if (is !== "up") return <Badge tone="warn">{is}</Badge>;
  return isRecord ? <Badge>not live</Badge> : <Badge tone="accent">answers</Badge>;
}

export function Fact({ name, value }: { readonly name: string; readonly value: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <bdi>{value}</bdi>
      </dd>
    </div>
  );
}

const LOOK_MS = 3_000;

export function useStatus(link: HostLink): HostStatusAnswer | null {
  const state = useHostState(link);
  const [status, set] = useState<HostStatusAnswer | null>(null);
  const client = state.is === "up" ? state.client : null;
  useEffect(() => {
    if (!client) return;
    const look = (): void => void client.status().then(set, () => {});
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [client]);
  return status;
}
