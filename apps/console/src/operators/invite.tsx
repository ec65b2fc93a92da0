/** Enrols somebody: another device of one's own, a person, a program, or an AI that acts for somebody. */
import { OperatorKind } from "@holdfast/sdk";
import { type ReactNode, useState } from "react";
import { Button, Choice, Dialog, TextField, Wrong } from "../design/controls.tsx";
import type { HostLink } from "../host/host-link.ts";
import { Invitation, invitationOf, specOf, useWays, WaysChoice } from "../host/invitation.tsx";
import { mayOn } from "../host/rights.ts";
import { useAttempt } from "../design/attempt.ts";
import css from "./operators.module.css";

const WHOM = { device: "Another device of mine", human: "A person", service: "A program", ai: "An AI that acts for me" } as const;
type Who = keyof typeof WHOM;
const KINDS = { human: OperatorKind.HUMAN, service: OperatorKind.SERVICE, ai: OperatorKind.AI } as const;
const ROLES = {
  observer: "Observer: looks on",
  operator: "Operator: takes part",
  approver: "Approver: also decides what AIs ask",
  auditor: "Auditor: reads the record",
  admin: "Admin: may do everything",
} as const;

export function Invite({ link, onDone }: { readonly link: HostLink; readonly onDone: () => void }): ReactNode {
  const [who, setWho] = useState<Who>("device");
  const [name, setName] = useState("");
  const [role, setRole] = useState<keyof typeof ROLES>("operator");
  const [text, setText] = useState<string | null>(null);
  const ways = useWays(link);
  const { wrong, isBusy, attempt } = useAttempt(() => {});
  const invite = (): void =>
    attempt(async () => {
      const { client } = link;
      const own = client.operator.operator?.id ?? "";
      const whom =
        who === "device" ? { operator: own } : { kind: KINDS[who], role, name, ...(who === "ai" ? { onBehalfOf: own } : {}) };
      setText(await invitationOf(link, ways, await client.invite({ ...whom, ...specOf(ways) })));
    });
  return (
    <Dialog
      title={`Invite to ${link.name}`}
      about="Good once, for ten minutes. Whoever takes it up makes a key of their own."
      isOpen
      onClose={onDone}
    >
      {text === null ? (
        <div className={css.form}>
          {mayOn(link, "host.admin") ? (
            <Choice label="Whom" value={who} onChange={setWho} of={WHOM} />
          ) : (
            <p>For another device of yours: whom else to let in is for admins.</p>
          )}
          {who === "device" ? null : (
            <>
              <TextField label="Name" placeholder="as they wish" value={name} onChange={setName} />
              <Choice label="Role" value={role} onChange={setRole} of={ROLES} />
            </>
          )}
          <WaysChoice ways={ways} />
          <Wrong why={wrong} />
          <footer>
            <Button onPress={onDone}>Cancel</Button>
            <Button look="primary" isDisabled={isBusy} onPress={invite}>
              Make an invitation
            </Button>
          </footer>
        </div>
      ) : (
        <Invitation text={text} onDone={onDone} />
      )}
    </Dialog>
  );
}
