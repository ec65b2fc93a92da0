/** Where each screen stands. An address names hosts and sessions by id, and holds nothing that anybody could use. */
export const sessionPath = (hostId: string, sessionId: string): string => `/sessions/${hostId}/${sessionId}`;
export const hostPath = (hostId: string): string => `/hosts/${hostId}`;

export const paths = {
  sessions: "/",
  session: "/sessions/:host/:session",
  approvals: "/approvals",
  operators: "/operators",
  hosts: "/hosts",
  host: "/hosts/:host",
} as const;
