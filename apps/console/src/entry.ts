/**
 * What the page was opened with. An invitation stands behind the `#`, which no server is sent; it is taken out of the address before anything
 * else happens, so that neither history, a bookmark nor a shared screen keeps it.
 */
const INVITATION = /^#?(hold1\.[A-Za-z0-9_-]+)$/;

export function takeInvitation(at: Location, history: History): string | null {
  const found = INVITATION.exec(at.hash)?.[1] ?? null;
  if (at.hash !== "") history.replaceState(history.state, "", at.pathname + at.search);
  return found;
}

/** A link that is opened in a tab where the page stands already loads nothing anew. The returned function ends it. */
export function followInvitations(window: Window, taken: (invitation: string) => void): () => void {
  const changed = (): void => {
    if (!INVITATION.test(window.location.hash)) return;
    const invitation = takeInvitation(window.location, window.history);
    if (invitation) taken(invitation);
  };
  window.addEventListener("hashchange", changed);
  return () => window.removeEventListener("hashchange", changed);
}
