/** What relays of one group say to NATS, as packages/relay/src/nats does it: what the model reckons with. */
export interface Group {
  /** Of each bucket, in a cluster. */
  readonly replicas: number;
  /** A relay says that it lives. */
  readonly aliveSeconds: number;
  /** A relay looks after each of its hosts' records. */
  readonly lookSeconds: number;
  /** Each end of a tunnel that crosses says something, where nothing else was said. */
  readonly pingSeconds: number;
  /** Of who knocks at a host of another relay: its name, the line, the door. */
  readonly getsPerKnock: number;
}

export const group: Group = { replicas: 3, aliveSeconds: 5, lookSeconds: 60, pingSeconds: 3, getsPerKnock: 3 };
