/** Where each screen stands. An address names hosts and sessions by id, and holds nothing that anybody could use. */
export const sessionPath = (hostId: string, sessionId: string): string => `/sessions/${hostId}/${sessionId}`;
export const timelinePath = (hostId: string, sessionId: string): string => `${sessionPath(hostId, sessionId)}/timeline`;
export const filesPath = (hostId: string, sessionId: string): string => `${sessionPath(hostId, sessionId)}/files`;
export const playbackPath = (hostId: string, sessionId: string): string => `${sessionPath(hostId, sessionId)}/playback`;
export const hostPath = (hostId: string): string => `/hosts/${hostId}`;

export const paths = {
  sessions: "/",
  session: "/sessions/:host/:session",
  approvals: "/approvals",
  operators: "/operators",
  audit: "/audit",
  policy: "/policy",
  timeline: "/sessions/:host/:session/timeline",
  playback: "/sessions/:host/:session/playback",
  files: "/sessions/:host/:session/files",
  hosts: "/hosts",
  host: "/hosts/:host",
  settings: "/settings",
} as const;

/** Of one session's terminal, and not of what else is shown of it. */
export const isSessionPath = (path: string): boolean => /^\/sessions\/[^/]+\/[^/]+\/?$/.test(path);
