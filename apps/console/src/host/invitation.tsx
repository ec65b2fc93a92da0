/** An invitation: for which way in it is, and its link or text once it is made, to be sent to whom it is for. */
import {
  formatInvite,
  type HostStatusAnswer,
  type Invited,
  type InviteSpec,
  pagesOf,
  placesOf,
  type ServedPage,
} from "@holdfast/sdk";
import { type ReactNode, useEffect, useState } from "react";
import { Banner, Button, Choice, TextField } from "../design/controls.tsx";
import type { HostLink } from "./host-link.ts";

/** How somebody comes in: by a browser, at one of these pages, or with `hold` or a console that they have (`text`). */
export interface Ways {
  readonly chosen: string;
  readonly choose: (way: string) => void;
  /** By what is chosen: the words for a person. */
  readonly of: Readonly<Record<string, string>>;
  readonly page: ServedPage | null;
  readonly status: HostStatusAnswer | null;
}

const TEXT = "text";
const LOOPBACK = /^\w+:\/\/(localhost|127\.[\d.]+|\[::1\])(:|\/|$)/;
const WORDS = {
  network: "A link for a browser of this network",
  relay: "A link for any browser, by a relay that could read it",
  here: "A link for a browser of this machine",
} as const;

/** Those that the host has now; a browser of its network is the first choice, one of this machine where nobody else gets to it, and one that somebody could listen to never is. */
export function useWays(link: HostLink): Ways {
  const [status, setStatus] = useState<HostStatusAnswer | null>(null);
  const [said, choose] = useState<string | null>(null);
  useEffect(() => {
    let isLeft = false;
    link.client.status().then(
      (told) => isLeft || setStatus(told),
      () => {},
    );
    return () => {
      isLeft = true;
    };
  }, [link]);
  const pages = status ? pagesOf(status).filter((page, i, all) => all.findIndex(({ by }) => by === page.by) === i) : [];
  const has = (by: ServedPage["by"]): boolean => pages.some((page) => page.by === by);
  const isOutside = status !== null && placesOf(status).some((place) => !LOOPBACK.test(place));
  const chosen = said ?? (has("network") ? "network" : has("here") && !isOutside ? "here" : TEXT);
  const of = {
    ...Object.fromEntries(pages.map(({ by }) => [by, WORDS[by]])),
    [TEXT]: "A text, for hold join or a console of their own",
  };
  return { chosen, choose, of, page: pages.find(({ by }) => by === chosen) ?? null, status };
}

export function WaysChoice({ ways }: { readonly ways: Ways }): ReactNode {
  if (Object.keys(ways.of).length < 2) return null;
  return (
    <>
      <Choice label="What you send them" value={ways.chosen} onChange={ways.choose} of={ways.of} />
      {ways.page?.by === "relay" ? (
        <Banner tone="warn">
          <span>
            {new URL(ways.page.url).host} serves that page: it can read what is shown there, and type as whoever has it open.
          </span>
        </Banner>
      ) : null}
    </>
  );
}

/** What the host is to be told of the way that was chosen. */
export const specOf = ({ page }: Ways): Pick<InviteSpec, "plain"> => (page?.by === "relay" ? { plain: true } : {});

/** What is sent: a link, or the text. `session`: of a guest, the one that it is for. */
export async function invitationOf(link: HostLink, ways: Ways, made: Invited, session?: string): Promise<string> {
  const { client, host } = link;
  const { page } = ways;
  const at = page?.at ?? [...new Set([host.url, ...placesOf(ways.status ?? (await client.status()))])];
  const { token, hostKey } = made;
  const text = formatInvite({ at, hostKey, token, ...(session === undefined ? {} : { session }), ...specOf(ways) });
  return page ? `${page.url}/#${text}` : text;
}

export function Invitation({ text, onDone }: { readonly text: string; readonly onDone: () => void }): ReactNode {
  const isLink = text.startsWith("http");
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid("Copied.");
    } catch {
      setSaid("This browser does not let the page copy it: mark it, and copy it yourself.");
    }
  };
  return (
    <>
      <TextField
        label="Send them this"
        hint={
          isLink
            ? "It is good once: whoever opens it first is let in, by a browser of their own."
            : "It is good once. In a terminal: hold join -, then paste it; in a console: Hosts, Add host."
        }
        mono
        isReadOnly
        autoFocus
        value={text}
      />
      <footer>
        <span role="status">{said}</span>
        <Button onPress={onDone}>Done</Button>
        <Button look="primary" onPress={() => void copy()}>
          Copy
        </Button>
      </footer>
    </>
  );
}
