/**
 * A journal as people read it: events in, entries out. A fold over them, in their order.
 *   T1  A command is one entry: who caused it, what it was, how long it took, how it ended. Whoever typed last before it began has caused it, as the shell
 *       tells of commands and not of people.
 *   T2  What one operator types without anything in between is one entry; the line that a command began with is the command's.
 *   T3  What is not kept is an entry too, with its exact range.
 */
import type { Event } from "@holdfast/sdk";

export type EntryKind = "command" | "typed" | "floor" | "people" | "approval" | "session" | "gap";

interface Common {
  /** Of the event that it began with. */
  readonly seq: number;
  readonly atMs: number;
  /** Operator id, or `system:…`. */
  readonly actor: string;
  readonly via: string;
}

export type TimelineEntry = Common &
  (
    | {
        readonly kind: "command";
        readonly text: string;
        readonly cwd: string;
        readonly fromOffset: number;
        /** Null: it runs. */
        readonly end: {
          readonly seq: number;
          readonly atMs: number;
          readonly toOffset: number;
          readonly code: number | null;
        } | null;
      }
    | { readonly kind: "typed"; readonly bytes: Uint8Array; readonly untold: number; readonly secret: boolean }
    | { readonly kind: Exclude<EntryKind, "command" | "typed">; readonly text: string; readonly tone?: "warn" | "bad" }
  );

/** One journal's. Events are added in their order; `entries` is what they come to by now. */
export class Timeline {
  readonly #entries: TimelineEntry[] = [];

  /** A copy: what is added later does not change it. */
  get entries(): readonly TimelineEntry[] {
    return this.#entries.slice();
  }

  add(event: Event): void {
    const kind = event.body?.kind;
    if (!kind) return;
    const at: Common = { seq: Number(event.seq), atMs: Number(event.atUnixMs), actor: event.actor, via: event.via };
    switch (kind.case) {
      case "input":
        return this.#typed(at, event);
      case "inputSettled":
        return kind.value.secret ? this.#secret(Number(kind.value.inputSeq)) : undefined;
      case "commandStarted": {
        const { text, cwd, outputOffset } = kind.value;
        return this.#began(at, text, cwd, Number(outputOffset));
      }
      case "commandEnded":
        return this.#ended(at, Number(kind.value.outputOffset), kind.value.code ?? null);
      case "gap":
        return this.gap(Number(kind.value.fromSeq), Number(kind.value.toSeq), kind.value.reason, at.atMs);
      default: {
        const told = toldOf(event);
        if (told) this.#entries.push({ ...at, ...told });
      }
    }
  }

  /** T3: of a reader that was told so. */
  gap(fromSeq: number, toSeq: number, reason: string, atMs: number): void {
    const text = `${fromSeq} to ${toSeq} is not kept any more (${reason})`;
    this.#entries.push({ seq: fromSeq, atMs, actor: "", via: "", kind: "gap", text, tone: "warn" });
  }

  /** T2. */
  #typed(at: Common, { data, payloadBytes }: Event): void {
    const last = this.#entries.at(-1);
    const untold = data.length === 0 ? payloadBytes : 0;
    if (last?.kind !== "typed" || last.actor !== at.actor || last.secret || endsLine(last.bytes))
      this.#entries.push({ ...at, kind: "typed", bytes: data, untold, secret: false });
    else this.#replace(this.#entries.length - 1, { ...last, bytes: joined(last.bytes, data), untold: last.untold + untold });
  }

  /** An input is known to be secret when the program has it. */
  #secret(seq: number): void {
    const at = this.#entries.findLastIndex((one) => one.kind === "typed" && one.seq <= seq);
    const found = this.#entries[at];
    if (found?.kind === "typed") this.#replace(at, { ...found, bytes: new Uint8Array(0), secret: true });
  }

  /** T1, T2. */
  #began(at: Common, text: string, cwd: string, fromOffset: number): void {
    const { actor, via } = this.#entries.findLast((one) => one.kind === "typed") ?? at;
    const last = this.#entries.at(-1);
    if (last?.kind === "typed" && lineOf(last.bytes).endsWith(text.trim())) this.#entries.pop();
    this.#entries.push({ ...at, actor, via, kind: "command", text, cwd, fromOffset, end: null });
  }

  #ended(at: Common, toOffset: number, code: number | null): void {
    const i = this.#entries.findLastIndex((one) => one.kind === "command" && one.end === null);
    const found = this.#entries[i];
    if (found?.kind === "command") this.#replace(i, { ...found, end: { seq: at.seq, atMs: at.atMs, toOffset, code } });
  }

  #replace(at: number, entry: TimelineEntry): void {
    this.#entries[at] = entry;
  }
}

type Told = { readonly kind: Exclude<EntryKind, "command" | "typed">; readonly text: string; readonly tone?: "warn" | "bad" };

/** What needs nothing but itself to be told; null: nothing that people read for. */
function toldOf({ body }: Event): Told | null {
  const kind = body!.kind;
  switch (kind.case) {
    case "floorChanged":
      return {
        kind: "floor",
        text: kind.value.holder ? `has the floor (${kind.value.reason})` : `the floor is free (${kind.value.reason})`,
      };
    case "aiPaused":
      return kind.value.paused ? { kind: "floor", text: "paused AIs", tone: "warn" } : { kind: "floor", text: "let AIs go on" };
    case "attached":
      return {
        kind: "people",
        text: `${kind.value.resumed ? "came back" : "attached"}${kind.value.observing ? ", to look on" : ""}`,
      };
    case "detached":
      return { kind: "people", text: "left" };
    case "approvalAsked":
      return { kind: "approval", text: `asked: ${kind.value.what}`, tone: "warn" };
    case "approvalDecided":
      return {
        kind: "approval",
        text: kind.value.allowed ? "allowed it" : `denied it${kind.value.reason ? `: ${kind.value.reason}` : ""}`,
      };
    case "opened":
      return { kind: "session", text: `opened it in ${kind.value.cwd}` };
    case "signalled":
      return { kind: "session", text: `sent signal ${kind.value.signal} to its ${kind.value.target}` };
    case "renamed":
      return { kind: "session", text: `renamed it to ${kind.value.name}` };
    case "fileUsed":
      return { kind: "session", text: `${kind.value.op === "write" ? "wrote" : "read"} ${kind.value.path}` };
    case "redacted":
      return { kind: "session", text: `took ${kind.value.seqs.length} payloads out of the record`, tone: "warn" };
    case "exited":
      return { kind: "session", text: exitText(kind.value.exit) };
    case "ended":
      return { kind: "session", text: kind.value.reason ? `it is over: ${kind.value.reason}` : "it is over" };
    default:
      return null;
  }
}

function exitText(exit: { readonly code?: number | undefined; readonly signal?: number | undefined } | undefined): string {
  if (exit?.signal !== undefined) return `its program was ended by signal ${exit.signal}`;
  return exit?.code === undefined ? "its program ended" : `its program ended with code ${exit.code}`;
}

/** Without the marks of a paste, which a command that a program types is. */
const lineOf = (bytes: Uint8Array): string =>
  new TextDecoder()
    .decode(bytes)
    .replaceAll(/\x1b\[20[01]~/g, "")
    .trim();

const endsLine = (bytes: Uint8Array): boolean => bytes.at(-1) === 0x0d || bytes.at(-1) === 0x0a;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

export interface Wanted {
  readonly text: string;
  /** Empty: all. */
  readonly kinds: ReadonlySet<EntryKind>;
}

/** `nameOf`: an operator's name, which a text may be of. */
export function fitsWanted(entry: TimelineEntry, { text, kinds }: Wanted, nameOf: (actor: string) => string): boolean {
  if (kinds.size > 0 && !kinds.has(entry.kind)) return false;
  const said = entry.kind === "typed" ? new TextDecoder().decode(entry.bytes) : entry.text;
  const here = `${said}\n${nameOf(entry.actor)}\n${entry.via}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => here.includes(word));
}
