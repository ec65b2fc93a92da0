/** Where one can go: the screens, and the hosts with whether they answer. On a phone it is the bar below. */
import { ScrollText, Search, Server, Settings, ShieldCheck, SquareTerminal, Users } from "lucide-react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { Badge, Dot, IconButton } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useLinks } from "../host/hosts.ts";
import { useShortcut } from "../keys/use-keys.ts";
import { useStore } from "../store.ts";
import { hostPath, paths } from "./routes.ts";
import css from "./shell.module.css";

export interface SideProps {
  readonly onPalette: () => void;
  /** How many approvals are asked for. */
  readonly waiting: number;
  /** Of a host at least, and no guest. */
  readonly isMember: boolean;
  readonly mayAudit: boolean;
}

export function Side({ onPalette, waiting, isMember, mayAudit }: SideProps): ReactNode {
  const links = useLinks();
  const shortcut = useShortcut("palette");
  return (
    <aside className={css.side}>
      <div className={css.brand}>
        <img src="/icon.svg" alt="" />
        Holdfast
        <IconButton label="Search and commands" shortcut={shortcut} onPress={onPalette}>
          <Search size={15} />
        </IconButton>
      </div>
      <nav className={css.nav} aria-label="Screens">
        <Place to={paths.sessions} icon={<SquareTerminal size={16} />} text="Sessions" also="/sessions/" />
        <Place
          to={paths.approvals}
          icon={<ShieldCheck size={16} />}
          text="Approvals"
          also="/approvals/"
          count={waiting > 0 ? <Badge tone="warn">{waiting}</Badge> : null}
        />
        {isMember ? <Place to={paths.operators} icon={<Users size={16} />} text="Operators" also="/operators/" /> : null}
        {mayAudit ? <Place to={paths.audit} icon={<ScrollText size={16} />} text="Audit" also="/audit/" /> : null}
        <Place to={paths.hosts} icon={<Server size={16} />} text="Hosts" also="/hosts/" />
        <Place to={paths.settings} icon={<Settings size={16} />} text="Settings" also="/settings/" />
      </nav>
      <nav className={`${css.nav} ${css.hosts}`} aria-label="Hosts">
        <h2>Hosts</h2>
        {links.map((link) => (
          <HostPlace key={link.host.id} link={link} />
        ))}
      </nav>
    </aside>
  );
}

interface PlaceProps {
  readonly to: string;
  readonly icon: ReactNode;
  readonly text: string;
  /** What else is under it. */
  readonly also: string;
  readonly count?: ReactNode;
}

function Place({ to, icon, text, also, count }: PlaceProps): ReactNode {
  const [at] = useLocation();
  const isHere = at === to || at.startsWith(also);
  return (
    <Link to={to} aria-current={isHere ? "page" : undefined}>
      {icon}
      <span>{text}</span>
      {count ? <span className={css.count}>{count}</span> : null}
    </Link>
  );
}

const TONES = { up: "good", connecting: "warn", offline: "bad", refused: "bad" } as const;
const WORDS = { up: "answers", connecting: "connecting", offline: "does not answer", refused: "refuses this browser" } as const;

function HostPlace({ link }: { readonly link: HostLink }): ReactNode {
  const { is } = useHostState(link);
  const isRecord = useStore(link.record) !== null;
  const [at] = useLocation();
  const to = hostPath(link.host.id);
  return (
    <Link to={to} aria-current={at === to ? "page" : undefined}>
      {isRecord && is === "up" ? <Dot hollow label="a record, from its mirror" /> : <Dot tone={TONES[is]} label={WORDS[is]} />}
      <span>
        <bdi>{link.name}</bdi>
      </span>
    </Link>
  );
}
