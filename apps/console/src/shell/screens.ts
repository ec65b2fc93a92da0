/** The screens that the page does without until somebody goes there: each a script of its own. */
import { lazy } from "react";
import { lettersCome } from "../theme/letters.ts";

/** A terminal is a third of the page, and a list of sessions needs none. Its letters come meanwhile. */
export function bringsSession() {
  void lettersCome();
  return import("../session/session-page.tsx");
}

export const SessionPage = lazy(() => bringsSession().then(({ SessionPage: page }) => ({ default: page })));
export const TimelinePage = lazy(() =>
  import("../timeline/timeline-panel.tsx").then(({ TimelinePage: page }) => ({ default: page })),
);
export const PlaybackPage = lazy(() =>
  import("../playback/playback-page.tsx").then(({ PlaybackPage: page }) => ({ default: page })),
);
export const SettingsPage = lazy(() =>
  import("../settings/settings-page.tsx").then(({ SettingsPage: page }) => ({ default: page })),
);
export const FilesPage = lazy(() => import("../files/files-panel.tsx").then(({ FilesPage: page }) => ({ default: page })));
export const ApprovalsPage = lazy(() =>
  import("../approvals/approvals-page.tsx").then(({ ApprovalsPage: page }) => ({ default: page })),
);
export const OperatorsPage = lazy(() =>
  import("../operators/operators-page.tsx").then(({ OperatorsPage: page }) => ({ default: page })),
);
export const AuditPage = lazy(() => import("../audit/audit-page.tsx").then(({ AuditPage: page }) => ({ default: page })));
export const PolicyPage = lazy(() => import("../policy/policy-page.tsx").then(({ PolicyPage: page }) => ({ default: page })));
export const HostsPage = lazy(() => import("../host/hosts-page.tsx").then(({ HostsPage: page }) => ({ default: page })));
export const HostPage = lazy(() => import("../host/host-page.tsx").then(({ HostPage: page }) => ({ default: page })));
export const NewSession = lazy(() =>
  import("../sessions/new-session.tsx").then(({ NewSession: dialog }) => ({ default: dialog })),
);
