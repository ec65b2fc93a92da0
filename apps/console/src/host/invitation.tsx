/** An invitation that was made: its text, to be sent to whom it is for. */
import { formatInvite, type Invited } from "@holdfast/sdk";
import type { ReactNode } from "react";
import { Button, TextField } from "../design/controls.tsx";
import type { HostLink } from "./host-link.ts";

/** `session`: of a guest, the one that it is for. */
export async function invitationText({ client, host }: HostLink, { token, hostKey }: Invited, session?: string): Promise<string> {
  const { addresses } = await client.status();
  const at = [...new Set([host.url, ...Object.values(addresses)])];
  return formatInvite({ at, hostKey, token, ...(session === undefined ? {} : { session }) });
}

export function Invitation({ text, onDone }: { readonly text: string; readonly onDone: () => void }): ReactNode {
  return (
    <>
      <TextField
        label="Send them this"
        hint="It is good once. In a terminal: hold join -, then paste it; in a console: Hosts, Add host."
        mono
        isReadOnly
        autoFocus
        value={text}
      />
      <footer>
        <Button onPress={() => void navigator.clipboard.writeText(text)}>Copy</Button>
        <Button look="primary" onPress={onDone}>
          Done
        </Button>
      </footer>
    </>
  );
}
