/** What each verb is answered with, and whether in parts: for carriers that say so before they ask (http/openapi.ts). */
import type { CallContext, Result } from "./context.ts";

export type VerbName = NonNullable<CallContext["verb"]["case"]>;

export interface VerbFacts {
  readonly answer: Exclude<Result["case"], "error">;
  /** Parts come before the last answer, for as long as there are any. */
  readonly streams?: true;
}

export const verbs = {
  open: { answer: "open" },
  list: { answer: "list" },
  sessionWatch: { answer: "sessionWatch", streams: true },
  show: { answer: "session" },
  screen: { answer: "screen" },
  wait: { answer: "wait" },
  signal: { answer: "done" },
  kill: { answer: "session" },
  rename: { answer: "done" },
  remove: { answer: "done" },
  floor: { answer: "floor" },
  resize: { answer: "done" },
  operatorAdd: { answer: "operatorAdd" },
  operatorList: { answer: "operatorList" },
  operatorRevoke: { answer: "done" },
  operatorLink: { answer: "done" },
  keyRevoke: { answer: "done" },
  keyAdd: { answer: "done" },
  mirror: { answer: "mirror" },
  mirrorStatus: { answer: "mirror" },
  mirrorKey: { answer: "mirrorKey" },
  console: { answer: "console" },
  relayJoin: { answer: "relayJoin" },
  relayLeave: { answer: "done" },
  whoami: { answer: "whoami" },
  hostStatus: { answer: "hostStatus" },
  hostDown: { answer: "done" },
  hostLog: { answer: "hostLog", streams: true },
  run: { answer: "run", streams: true },
  exec: { answer: "exec" },
  redact: { answer: "redact" },
  auditHead: { answer: "auditHead" },
  auditRead: { answer: "auditRead" },
  auditVerify: { answer: "auditVerify", streams: true },
  probe: { answer: "probe" },
  agent: { answer: "agent" },
  send: { answer: "send" },
  search: { answer: "search" },
  invite: { answer: "invite" },
  invitationList: { answer: "invitationList" },
  invitationRevoke: { answer: "done" },
  fileList: { answer: "fileList", streams: true },
  fileRead: { answer: "fileRead", streams: true },
  fileWrite: { answer: "fileWrite" },
  fileWatch: { answer: "fileWatch", streams: true },
  portList: { answer: "portList" },
  policy: { answer: "policy" },
  policySave: { answer: "policy" },
  policyTry: { answer: "policyTry" },
  approvalList: { answer: "approvalList" },
  approvalWatch: { answer: "approvalList", streams: true },
  approvalDecide: { answer: "approvalDecide" },
  approvalAnswer: { answer: "approvalDecide" },
  ask: { answer: "ask" },
  kernel: { answer: "kernel", streams: true },
  kernelSpecs: { answer: "kernelSpecs" },
  witness: { answer: "witness" },
  witnessAccept: { answer: "done" },
} as const satisfies Record<VerbName, VerbFacts>;

export function factsOf(verb: string): VerbFacts | null {
  return Object.hasOwn(verbs, verb) ? verbs[verb as VerbName] : null;
}
