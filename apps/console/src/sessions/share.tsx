/** Lets somebody in to one session: an invitation, good once, that ends by itself. */
import { formatInvite, type Session } from "@holdfast/sdk";
import { type ReactNode, useState } from "react";
import { Button, Choice, Dialog, TextField } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { useAttempt } from "./attempt.ts";

const HOUR_MS = 3_600_000;

export interface ShareProps {
  readonly link: HostLink;
  readonly session: Session;
  readonly onDone: () => void;
}

export function Share({ link, session, onDone }: ShareProps): ReactNode {
  const [role, setRole] = useState<"observer" | "operator">("observer");
  const [hours, setHours] = useState("1");
  const [invitation, setInvitation] = useState<string | null>(null);
  const { wrong, isBusy, attempt } = useAttempt(() => {});
  const ttlMs = Number(hours) * HOUR_MS;
  const isWrong = !(ttlMs > 0 && ttlMs <= 30 * 24 * HOUR_MS);
  const invite = (): void =>
    attempt(async () => {
      const { client } = link;
      const [made, status] = await Promise.all([client.invite({ session: session.id, role, ttlMs }), client.status()]);
      const at = [...new Set([link.host.url, ...Object.values(status.addresses)])];
      setInvitation(formatInvite({ at, hostKey: made.hostKey, token: made.token, session: session.name }));
    });
  return (
    <Dialog
      title={`Share ${session.name}`}
      about="Whoever takes the invitation up sees this session and no other, under a name and key of their own."
      isOpen
      onClose={onDone}
    >
      {invitation === null ? (
        <>
          <Choice
            label="They may"
            value={role}
            onChange={setRole}
            of={{ observer: "Look on", operator: "Look on and take part" }}
          />
          <TextField
            label="For how many hours"
            value={hours}
            onChange={setHours}
            inputMode="decimal"
            wrong={isWrong ? "More than nothing, and 720 (30 days) at most." : wrong}
          />
          <footer>
            <Button onPress={onDone}>Cancel</Button>
            <Button look="primary" isDisabled={isBusy || isWrong} onPress={invite}>
              Make an invitation
            </Button>
          </footer>
        </>
      ) : (
        <>
          <TextField
            label="Send them this"
            hint="It is good once. In a terminal: hold join, then paste it; in a console: “Add host”."
            mono
            isReadOnly
            value={invitation}
          />
          <footer>
            <Button onPress={() => void navigator.clipboard.writeText(invitation)}>Copy</Button>
            <Button look="primary" onPress={onDone}>
              Done
            </Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}
