/** What is not a call, for the document (openapi.ts), and the names that may stand in its addresses (events.ts). */

export interface Parameter {
  /** `flag`: alone, or 1 or 0. */
  readonly is: "flag" | "number" | "text";
  readonly says: string;
  readonly pattern?: string;
}

export interface Described {
  /** Unlike any verb's name. */
  readonly id: string;
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly summary: string;
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly headers?: Readonly<Record<string, Parameter & { readonly required?: true }>>;
  /** By type; a name is that of a message of the schema, `or Problem` where it may be an error instead; null: bytes. */
  readonly body?: Readonly<Record<string, string | null>>;
  /** By status. */
  /** Of a stream of events: the message that is the data of each, by the event's name. */
  readonly events?: Readonly<Record<string, string>>;
  readonly answers: Readonly<
    Record<string, { readonly says: string; readonly content?: Readonly<Record<string, string | null>> }>
  >;
}

const SESSION = "/v1/sessions/{session}";

export const attachParameters: Readonly<Record<string, Parameter>> = {
  from: {
    is: "number",
    says: "goes on strictly after this seq; 0: from the first that is kept. Without it, nor Last-Event-ID, the screen comes first",
  },
  observe: { is: "flag", says: "looks only" },
  replay: { is: "flag", says: "every event, at the reader's pace: no jump to a snapshot" },
  take: { is: "flag", says: "takes the floor" },
  quiet: { is: "flag", says: "is not shown as present" },
  no_output: { is: "flag", says: "output is left out" },
  size: { is: "text", says: "of the client's terminal, columns and rows", pattern: "^\\d{1,4}x\\d{1,4}$" },
  scrollback: { is: "number", says: "lines above the screen in a snapshot" },
  writer: {
    is: "text",
    says: "kept by a client that comes back, so that what was not answered can be sent again; default: a new one",
    pattern: "^.{8,64}$",
  },
};

export const inputParameters: Readonly<Record<string, Parameter>> = {
  n: { is: "number", says: "from 1, without holes for each writer; the same again is typed once" },
  unit: { is: "text", says: "nobody else's input comes in between frames of one unit" },
  unit_end: { is: "flag", says: "the last frame of its unit" },
  interrupt: { is: "flag", says: "overtakes what is queued" },
  eof: { is: "flag", says: "ends the program's input" },
  take: { is: "flag", says: "takes the floor first" },
  durable: { is: "flag", says: "is answered when it is on the disk" },
};

const attach = {
  "Holdfast-Attach": { is: "text", says: "`token` of the stream's event `attached`", required: true },
} as const;

export const described: readonly Described[] = [
  {
    id: "document",
    path: "/v1/openapi.json",
    method: "GET",
    summary: "This document",
    answers: { "200": { says: "This document", content: { "application/json": null } } },
  },
  {
    id: "attachmentEvents",
    path: `${SESSION}/events`,
    method: "GET",
    summary: "Attaches: server-sent events, `id` is the cursor",
    query: attachParameters,
    headers: { "Last-Event-ID": { is: "number", says: "as `from`, and before it" } },
    answers: { "200": { says: "Events, by `x-events`: the data of each is JSON", content: { "text/event-stream": null } } },
    events: {
      ...{ attached: "Attached", snapshot: "SnapshotPart", output: "Event", gap: "Event", event: "Event" },
      ...{ input: "InputResult", floor: "FloorNotice", presence: "PresenceNotice", detached: "Detached" },
    },
  },
  {
    id: "attachmentInput",
    path: `${SESSION}/input`,
    method: "POST",
    summary: "Input of an attachment: an Input as JSON, or the bytes themselves with the rest in the query",
    query: inputParameters,
    headers: attach,
    body: { "application/json": "Input", "application/octet-stream": null },
    answers: {
      "200": { says: "Applied", content: { "application/json": "InputResult" } },
      "202": { says: "No answer yet: ask again with the same n", content: { "application/json": "InputResult" } },
      default: { says: "Not applied, and why; or refused", content: { "application/json": "InputResult or Problem" } },
    },
  },
  {
    id: "attachmentResize",
    path: `${SESSION}/resize`,
    method: "POST",
    summary: "The size of an attachment's terminal",
    headers: attach,
    body: { "application/json": "Resize" },
    answers: { "202": { says: "The event `resized` tells what became of it" } },
  },
  {
    id: "attachmentFloor",
    path: `${SESSION}/floor`,
    method: "POST",
    summary: "The floor, for an attachment",
    headers: attach,
    body: { "application/json": "FloorRequest" },
    answers: { "200": { says: "Who steers", content: { "application/json": "Floor" } } },
  },
  {
    id: "attachmentDetach",
    path: `${SESSION}/detach`,
    method: "POST",
    summary: "Ends an attachment",
    headers: attach,
    answers: { "204": { says: "Ended" } },
  },
];
