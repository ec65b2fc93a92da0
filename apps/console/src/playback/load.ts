/** A session's recording, read from its journal, and how far that is; a session that lives goes on being read. */
import { castOf, type HostClient, readJournal, type Session } from "@holdfast/sdk";
import { lookOf } from "../sessions/state.ts";
import { Store } from "../store.ts";
import { Recording } from "./recording.ts";

/** A page keeps all that it plays: of a longer record, as much from its start. */
const MOST_BYTES = 192 * 1024 * 1024;

export interface Loaded {
  readonly recording: Recording;
  /** 0 to 1. */
  readonly part: number;
  readonly isWhole: boolean;
  /** Why there is no more, in words; empty: there is. */
  readonly why: string;
  /** Moves with the recording, which is the same object. */
  readonly endMs: number;
}

export class RecordingLoad {
  readonly loaded: Store<Loaded>;
  readonly #over = new AbortController();
  readonly #recording: Recording;
  #isTelling = false;
  #now: Omit<Loaded, "recording" | "endMs"> = { part: 0, isWhole: false, why: "" };

  constructor(client: HostClient, session: Session) {
    this.#recording = new Recording(session.size ?? { cols: 80, rows: 24 });
    this.loaded = new Store<Loaded>(this.#state());
    void this.#read(client, session);
  }

  end(): void {
    this.#over.abort();
  }

  #state(): Loaded {
    return { ...this.#now, recording: this.#recording, endMs: this.#recording.endMs };
  }

  async #read(client: HostClient, session: Session): Promise<void> {
    const end = Math.max(1, Number(session.seq));
    const { signal } = this.#over;
    const follow = lookOf(session).isLive;
    try {
      for await (const entry of readJournal(client, session.id, { signal, ...(follow ? { follow } : {}) })) {
        this.#recording.take(entry);
        const seq = entry.type === "gap" ? entry.toSeq : entry.seq;
        this.#now = { part: Math.min(1, seq / end), isWhole: seq >= end, why: "" };
        this.#tellSoon();
        if (this.#recording.bytes > MOST_BYTES) {
          this.#now = { part: 1, isWhole: true, why: "Only the first 192 MiB of this record are played." };
          break;
        }
      }
      this.#now = { ...this.#now, part: 1, isWhole: true };
    } catch (fault) {
      this.#now = {
        ...this.#now,
        why: `The record could not be read on: ${fault instanceof Error ? fault.message : String(fault)}`,
      };
    }
    this.#recording.isOver = true;
    this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    requestAnimationFrame(() => {
      this.#isTelling = false;
      if (!this.#over.signal.aborted) this.loaded.set(this.#state());
    });
  }
}

/** Gives the browser the recording as a file, as `hold export` writes it. */
export async function saveCast(client: HostClient, session: Session, version: 2 | 3): Promise<void> {
  const pieces: string[] = [];
  const options = { version, session, command: session.command.join(" "), marker: markerText };
  for await (const piece of castOf(readJournal(client, session.id), options)) pieces.push(piece);
  const url = URL.createObjectURL(new Blob(pieces, { type: "application/x-asciicast" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${session.name.replace(/[^\w.-]+/g, "-") || session.id}.cast`;
  link.click();
  URL.revokeObjectURL(url);
}

const markerText: NonNullable<Parameters<typeof castOf>[1]["marker"]> = ({ body }) => {
  const kind = body?.kind;
  if (kind?.case === "commandStarted") return kind.value.text;
  return kind?.case === "floorChanged" ? `floor: ${kind.value.holder || "free"}` : "";
};
