/** Lets somebody in to one session: an invitation, good once, that ends by itself. */
import type { Session } from "@holdfast/sdk";
import { type ReactNode, useState } from "react";
import { Button, Choice, Dialog, TextField } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { Invitation, invitationOf, specOf, useWays, WaysChoice } from "../host/invitation.tsx";
import { useAttempt } from "../design/attempt.ts";

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
  const ways = useWays(link);
  const { wrong, isBusy, attempt } = useAttempt(() => {});
  const ttlMs = Number(hours) * HOUR_MS;
  const isWrong = !(ttlMs > 0 && ttlMs <= 30 * 24 * HOUR_MS);
  const invite = (): void =>
    attempt(async () => {
      const made = await link.client.invite({ session: session.id, role, ttlMs, ...specOf(ways) });
      setInvitation(await invitationOf(link, ways, made, session.name));
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
            of={{ observer: "Look on", operator: "Look on and take part: type and steer" }}
          />
          <TextField
            label="For how many hours"
            value={hours}
            onChange={setHours}
            inputMode="decimal"
            wrong={isWrong ? "More than nothing, and 720 (30 days) at most." : wrong}
          />
          <WaysChoice ways={ways} />
          <footer>
            <Button onPress={onDone}>Cancel</Button>
            <Button look="primary" isDisabled={isBusy || isWrong} onPress={invite}>
              Make an invitation
            </Button>
          </footer>
        </>
      ) : (
        <Invitation text={invitation} onDone={onDone} />
      )}
    </Dialog>
  );
}
