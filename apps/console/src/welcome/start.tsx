/** Until there are screens to show: taking an invitation up, or saying how to get one. */
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { followInvitations } from "../entry.ts";
import { type Hosts, HostsProvider } from "../host/hosts.ts";
import { whyNot } from "../host/why-not.ts";
import { Newer } from "../offline/newer.tsx";
import { App } from "../shell/app.tsx";
import { useStore } from "../store.ts";
import css from "./welcome.module.css";
import { Welcome } from "./welcome.tsx";

export interface StartProps {
  /** Out of the address. */
  readonly invitation: string | null;
  readonly loading: Promise<Hosts>;
}

type Phase =
  | { readonly is: "beginning" }
  | { readonly is: "ready"; readonly hosts: Hosts }
  | { readonly is: "unsupported"; readonly why: string };

export function Start({ invitation, loading }: StartProps): ReactNode {
  const [phase, setPhase] = useState<Phase>({ is: "beginning" });
  const [wrong, setWrong] = useState<string | null>(null);
  const begun = useRef(false);
  const join = useCallback(async (hosts: Hosts, taken: string): Promise<void> => {
    setWrong(
      await hosts.join(taken).then(
        () => null,
        (fault: unknown) => whyNot(fault),
      ),
    );
  }, []);
  useEffect(
    () =>
      followInvitations(window, (taken) => {
        loading.then((hosts) => join(hosts, taken)).catch(() => {});
      }),
    [loading, join],
  );
  useEffect(() => {
    // A view may be mounted twice, and an invitation is good once.
    if (begun.current) return;
    begun.current = true;
    const begin = async (): Promise<void> => {
      const hosts = await loading;
      if (invitation) await join(hosts, invitation);
      setPhase({ is: "ready", hosts });
    };
    begin().catch((fault: unknown) => setPhase({ is: "unsupported", why: whyNot(fault) }));
  }, [invitation, loading, join]);
  if (phase.is === "beginning") return <p className="visually-hidden">Beginning</p>;
  if (phase.is === "unsupported")
    return (
      <div className={css.page}>
        <main className={css.card}>
          <h1>This browser can't keep a key</h1>
          <p className={css.wrong} role="alert">
            {phase.why}
          </p>
        </main>
      </div>
    );
  return (
    <HostsProvider value={phase.hosts}>
      <Newer />
      <Known hosts={phase.hosts} wrong={wrong} onSeen={() => setWrong(null)} />
    </HostsProvider>
  );
}

function Known({
  hosts,
  wrong,
  onSeen,
}: {
  readonly hosts: Hosts;
  readonly wrong: string | null;
  readonly onSeen: () => void;
}): ReactNode {
  const links = useStore(hosts.links);
  if (links.length > 0 && wrong === null) return <App />;
  return <Welcome wrong={wrong} onOn={links.length > 0 ? onSeen : null} />;
}
