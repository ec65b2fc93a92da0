/** Who may ask what, written out by hand: what the host decides is held to this in its own tests, and over every carrier. */
import type { Call } from "@holdfast/protocol";

export type Verb = NonNullable<Call["verb"]["case"]>;
export const columns = ["observer", "operator", "approver", "auditor", "admin"] as const;
export const table: Record<Verb, string> = {
  //              obs op  app aud adm
  list: /*      */ "yes yes yes yes yes",
  show: /*      */ "yes yes yes yes yes",
  search: /*    */ "yes yes yes yes yes",
  operatorList: /**/ "yes yes yes yes yes",
  whoami: /*    */ "yes yes yes yes yes",
  hostStatus: /**/ "yes yes yes yes yes",
  screen: /*    */ "yes yes yes no yes",
  wait: /*      */ "yes yes yes no yes",
  probe: /*     */ "yes yes yes no yes",
  portList: "yes yes yes no yes",
  open: /*      */ "no yes no no yes",
  rename: /*    */ "no yes no no yes",
  kill: /*      */ "no yes no no yes",
  remove: /*    */ "no yes no no yes",
  signal: /*    */ "no yes no no yes",
  resize: /*    */ "no yes no no yes",
  send: /*      */ "no yes no no yes",
  run: /*       */ "no yes no no yes",
  exec: /*      */ "no yes no no yes",
  agent: /*     */ "no yes no no yes",
  floor: /*     */ "no yes no no yes",
  fileList: "no yes no no yes",
  fileRead: "no yes no no yes",
  fileWrite: "no yes no no yes",
  fileWatch: "no yes no no yes",
  policy: "yes yes yes yes yes",
  approvalList: "yes yes yes yes yes",
  approvalWatch: "yes yes yes yes yes",
  approvalDecide: "no no yes no yes",
  // AIs ask, and people answer: see the handlers.
  ask: "yes yes yes no yes",
  approvalAnswer: "no yes no no yes",
  invite: "no no no no yes",
  invitationList: "no no no no yes",
  invitationRevoke: "no no no no yes",
  auditHead: /* */ "no no no yes yes",
  redact: /*    */ "no no no no yes",
  operatorAdd: /**/ "no no no no yes",
  operatorRevoke: /**/ "no no no no yes",
  operatorLink: "no no no no yes",
  // Of another operator; of oneself in the tests of invitations and keys.
  keyRevoke: "no no no no yes",
  keyAdd: "no no no no yes",
  hostDown: /*  */ "no no no no yes",
  relayJoin: "no no no no yes",
  relayLeave: "no no no no yes",
};
