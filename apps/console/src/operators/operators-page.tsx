/** Who may do what on each host: operators with their keys, and the invitations that nobody has taken up. */
import { type HostClient, type Invitation, type OperatorInfo, OperatorKind } from "@holdfast/sdk";
import { UserPlus } from "lucide-react";
import { Fragment, type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { Avatar, kindText } from "../design/avatar.tsx";
import { Badge, Button, Dialog, Empty, MenuButton, MenuItem, Wrong } from "../design/controls.tsx";
import { agoText, exactText, useNow } from "../design/time.ts";
import type { HostLink } from "../host/host-link.ts";
import { useHostState, useLinks } from "../host/hosts.ts";
import { NotEndToEnd } from "../host/not-end-to-end.tsx";
import { mayOn, useThoseThatLet } from "../host/rights.ts";
import { useAttempt } from "../design/attempt.ts";
import { Bar } from "../shell/bar.tsx";
import { useStores } from "../store.ts";
import { Invite } from "./invite.tsx";
import css from "./operators.module.css";

export function OperatorsPage(): ReactNode {
  const links = useThoseThatLet(useLinks(), null);
  const records = useStores(useMemo(() => links.map(({ record }) => record), [links]));
  // Who is let in to a record is its reader's business, and another one is theirs to let in by the command that reads it.
  const inviters = links.filter((_, i) => records[i] === null);
  const [inviting, setInviting] = useState<HostLink | null>(null);
  return (
    <>
      <Bar title="Operators">
        {inviters.length === 0 && links.length > 0 ? null : inviters.length > 1 ? (
          <MenuButton
            label="Invite to a host"
            icon={<UserPlus size={16} />}
            onAction={(id) => setInviting(inviters.find(({ host }) => host.id === id) ?? null)}
          >
            {inviters.map(({ host }) => (
              <MenuItem key={host.id} id={host.id}>
                <bdi>{host.name}</bdi>
              </MenuItem>
            ))}
          </MenuButton>
        ) : (
          <Button isDisabled={inviters.length === 0} onPress={() => setInviting(inviters[0] ?? null)}>
            <UserPlus size={15} aria-hidden /> Invite
          </Button>
        )}
      </Bar>
      <div className={css.all}>
        {links.map((link) => (
          <Fragment key={link.host.id}>
            <NotEndToEnd link={link} />
            <OfHost link={link} />
          </Fragment>
        ))}
      </div>
      {inviting ? <Invite link={inviting} onDone={() => setInviting(null)} /> : null}
    </>
  );
}

interface Seen {
  readonly operators: readonly OperatorInfo[];
  readonly invitations: readonly Invitation[];
}

const LOOK_MS = 5_000;

function OfHost({ link }: { readonly link: HostLink }): ReactNode {
  const state = useHostState(link);
  const client = state.is === "up" ? state.client : null;
  const [seen, setSeen] = useState<Seen | null>(null);
  const [wrong, setWrong] = useState<string | null>(null);
  const look = useCallback(async (): Promise<void> => {
    if (!client) return;
    try {
      const operators = await client.operatorList();
      const invitations = await client.invitations().catch(() => []);
      setSeen({ operators, invitations });
      setWrong(null);
    } catch (fault) {
      setWrong(fault instanceof Error ? fault.message : String(fault));
    }
  }, [client]);
  useEffect(() => {
    void look();
    const timer = setInterval(() => void look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [look]);
  if (wrong) return <Empty title={`${link.name} does not tell`}>{wrong}</Empty>;
  if (!seen || !client) return <p className={css.hint}>{client ? "Asking…" : `${link.name} does not answer now.`}</p>;
  const isRecord = link.record.value !== null;
  const open = seen.invitations.filter((one) => one.redeemedBy === "" && !one.revoked);
  return (
    <section className={css.part} aria-label={`Operators of ${link.name}`}>
      <header>
        <h2>{link.name}</h2>
        <span className={css.hint}>
          <bdi>
            {seen.operators.filter((one) => !one.revoked).length} {isRecord ? "could come in then" : "may come in"}
          </bdi>
        </span>
      </header>
      <div className={css.scroll}>
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">Who</th>
              <th scope="col">Role</th>
              <th scope="col">Keys</th>
              <th scope="col">Added</th>
              <th scope="col">
                <span className="visually-hidden">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {seen.operators.map((one) => (
              <Operator
                key={one.id}
                one={one}
                all={seen.operators}
                client={client}
                mayChange={mayOn(link, "policy.write")}
                onDone={() => void look()}
              />
            ))}
          </tbody>
        </table>
      </div>
      {open.length > 0 ? (
        <Invitations open={open} whom={(one) => whomText(one, link, seen.operators)} client={client} onDone={() => void look()} />
      ) : null}
    </section>
  );
}

/** For whom it is. */
function whomText({ operator, kind, session }: Invitation, link: HostLink, operators: readonly OperatorInfo[]): string {
  if (session) return `a guest of ${link.sessions.value?.get(session)?.name ?? session}`;
  if (operators.some((one) => one.name === operator && !one.revoked)) return `another device of ${operator}`;
  return operator ? `${operator}, a new ${kindText(kind)}` : `a new ${kindText(kind)}`;
}

interface OperatorProps {
  readonly one: OperatorInfo;
  readonly all: readonly OperatorInfo[];
  readonly client: HostClient;
  /** Others too, and not oneself alone. */
  readonly mayChange: boolean;
  readonly onDone: () => void;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function Operator({ one, all, client, mayChange, onDone }: OperatorProps): ReactNode {
  const now = useNow(30_000);
  const [revoking, setRevoking] = useState<{ readonly what: string; readonly act: () => Promise<void> } | null>(null);
  const isMe = client.operator.operator?.id === one.id;
  const isApproving = (id: Uint8Array): boolean => one.protectedKeyIds.some((key) => hex(key) === hex(id));
  const addedBy = all.find(({ id }) => id === one.addedBy)?.name ?? one.addedBy.replace(/^system:/, "the ");
  return (
    <tr data-dim={one.revoked || undefined}>
      <td>
        <div className={css.who}>
          <Avatar name={one.name} kind={one.kind} />
          <b>
            <bdi>{one.name}</bdi>
          </b>
          {isMe ? <Badge tone="accent">you</Badge> : null}
          {one.kind === OperatorKind.HUMAN ? null : <Badge>{kindText(one.kind)}</Badge>}
          {one.onBehalfOf ? (
            <span className={css.hint}>for {all.find(({ id }) => id === one.onBehalfOf)?.name ?? one.onBehalfOf}</span>
          ) : null}
          {one.revoked ? <Badge tone="bad">revoked</Badge> : null}
        </div>
      </td>
      <td>{one.session ? <span title={exactText(Number(one.untilUnixMs))}>guest of one session</span> : one.role}</td>
      <td>
        <div className={css.keys}>
          {one.keyIds.map((id) => (
            <span key={hex(id)} className={css.key}>
              <code title={hex(id)}>{hex(id).slice(0, 12)}</code>
              {isApproving(id) ? <Badge>approves</Badge> : null}
              <KeyUse of={one.keys.find((key) => hex(key.id) === hex(id))} now={now} />
              {one.keyIds.length > 1 && !one.revoked && (mayChange || isMe) ? (
                <Button
                  look="quiet"
                  aria-label={`Revoke the key ${hex(id).slice(0, 12)} of ${one.name}`}
                  onPress={() =>
                    setRevoking({
                      what: `the key ${hex(id).slice(0, 12)} of ${one.name}`,
                      act: () => client.keyRevoke(one.id, hex(id)),
                    })
                  }
                >
                  Revoke
                </Button>
              ) : null}
            </span>
          ))}
        </div>
      </td>
      <td className={`${css.hint} ${css.added}`} title={exactText(Number(one.addedUnixMs))}>
        <bdi>
          {agoText(Number(one.addedUnixMs), now)}
          {addedBy ? ` by ${addedBy}` : ""}
        </bdi>
      </td>
      <td>
        {one.revoked || isMe || !mayChange ? null : (
          <Button
            look="quiet"
            aria-label={`Revoke ${one.name}`}
            onPress={() => setRevoking({ what: one.name, act: () => client.operatorRevoke(one.id) })}
          >
            Revoke
          </Button>
        )}
        {revoking ? <Revoke {...revoking} onClose={() => setRevoking(null)} onDone={onDone} /> : null}
      </td>
    </tr>
  );
}

/** Which device it is, as far as the host tells: who may not change operators is told of their own alone. */
function KeyUse({ of, now }: { readonly of: OperatorInfo["keys"][number] | undefined; readonly now: number }): ReactNode {
  if (!of) return null;
  const usedUnixMs = Number(of.usedUnixMs);
  return (
    <>
      {of.plain ? <Badge tone="warn">not end to end</Badge> : null}
      {usedUnixMs > 0 ? (
        <span className={css.hint} title={exactText(usedUnixMs)}>
          {of.usedVia}, {agoText(usedUnixMs, now)}
        </span>
      ) : null}
    </>
  );
}

interface RevokeProps {
  readonly what: string;
  readonly act: () => Promise<void>;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Revoke({ what, act, onClose, onDone }: RevokeProps): ReactNode {
  const { wrong, isBusy, attempt } = useAttempt(() => {
    onClose();
    onDone();
  });
  return (
    <Dialog
      title={`Revoke ${what}?`}
      about="Out within a second, on every carrier. What was done stays in the record, and the sessions run on."
      isOpen
      isAlert
      onClose={onClose}
    >
      <Wrong why={wrong} />
      <footer>
        <Button autoFocus onPress={onClose}>
          Cancel
        </Button>
        <Button look="danger" isDisabled={isBusy} onPress={() => attempt(act)}>
          Revoke
        </Button>
      </footer>
    </Dialog>
  );
}

interface InvitationsProps {
  readonly open: readonly Invitation[];
  readonly whom: (one: Invitation) => string;
  readonly client: HostClient;
  readonly onDone: () => void;
}

function Invitations({ open, whom, client, onDone }: InvitationsProps): ReactNode {
  const now = useNow();
  const { wrong, isBusy, attempt } = useAttempt(onDone);
  return (
    <>
      <h2>Invitations that nobody has taken up</h2>
      <Wrong why={wrong} />
      <div className={css.scroll}>
        <table className={css.table}>
          <tbody>
            {open.map((one) => (
              <tr key={one.id}>
                <td>{whom(one)}</td>
                <td>{one.role}</td>
                <td className={css.hint}>ends {agoText(Number(one.redeemUntilUnixMs), now)}</td>
                <td>
                  <Button
                    look="quiet"
                    aria-label={`Take back the invitation for ${whom(one)}`}
                    isDisabled={isBusy}
                    onPress={() => attempt(() => client.invitationRevoke(one.id))}
                  >
                    Take back
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
