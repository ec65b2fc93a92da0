/**
 * What the page was opened with. An invitation stands behind the `#`, which no server is sent; it is taken out of the address before anything
 * else happens, so that neither history, a bookmark nor a shared screen keeps it.
 */
const INVITATION = /^#?(hold1\.[A-Za-z0-9_-]+)$/;

export function takeInvitation(at: Location, history: History): string | null {
  const found = INVITATION.exec(at.hash)?.[1] ?? null;
  if (at.hash !== "") history.replaceState(null, "", at.pathname + at.search);
  return found;
}
