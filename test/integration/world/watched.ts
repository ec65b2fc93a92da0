/** An attachment that is watched through faults: each byte of the output once, each line that was typed once. */
import { InputStatus } from "@holdfast/protocol";
import type { Attachment, HostClient } from "@holdfast/sdk";
import { expect } from "vitest";
import { fact } from "./processes.ts";

/** One attachment, of all that it is shown and may type. */
export class Watched {
  attachment!: Attachment;
  out = "";
  /** Why it is over; empty: it is not. */
  over = "";
  resumed = 0;
  readonly #breaks: number[] = [];
  #end = 0;
  #typed = 0;
  readonly #who: string;

  private constructor(who: string) {
    this.#who = who;
  }

  /** `who`: said in each line that it types. */
  static async at(client: HostClient, session: string, who: string): Promise<Watched> {
    const watched = new Watched(who);
    watched.attachment = await client.attach(
      { session, mode: "replay", after: 0 },
      {
        output: ({ offset, bytes }) => {
          if (offset !== watched.#end) watched.#breaks.push(offset);
          watched.#end = offset + bytes.length;
          watched.out += Buffer.from(bytes).toString();
        },
        link: (state, { resumed }) => void (state === "attached" && resumed && watched.resumed++),
        held: () => watched.attachment.flushHeld(),
        detached: (reason, error) => void (watched.over = `${reason}: ${error?.message ?? ""}`),
      },
    );
    return watched;
  }

  /** Types a line now and one once `deed` is done, and waits until both are answered. Resolves with how long the output stood still. */
  async through(deed: () => Promise<void>): Promise<number> {
    const from = this.out.length;
    await fact("it streams", () => this.out.length > from + 50);
    const told = [this.#type()];
    await deed();
    told.push(this.#type());
    const [since, length] = [performance.now(), this.out.length];
    const answered = fact("what was typed is answered", () => this.out.includes(`<${this.#who} ${this.#typed - 1}>`), 60_000);
    await Promise.race([answered, Promise.all(told)]);
    expect((await Promise.all(told)).map(({ status }) => status)).toEqual([InputStatus.APPLIED, InputStatus.APPLIED]);
    expect(this.over).toBe("");
    await fact(
      "output comes again",
      () => this.over !== "" || (this.out.length > length && this.out.includes(`<${this.#who} ${this.#typed - 1}>`)),
    );
    return Math.round(performance.now() - since);
  }

  #type(): ReturnType<Attachment["input"]> {
    return this.attachment.input(Buffer.from(`${this.#who} ${this.#typed++}\n`));
  }

  /** Each line once, in order, of what was printed and of what was typed. */
  isWhole(): void {
    const lines = this.out.replaceAll("\r", "").split("\n").slice(0, -1);
    const numbers = lines.filter((l) => /^\d+$/.test(l));
    expect(numbers).toEqual(numbers.map((_, i) => String(i + 1)));
    expect(lines.filter((l) => l.startsWith(`<${this.#who}`))).toEqual(
      Array.from({ length: this.#typed }, (_, i) => `<${this.#who} ${i}>`),
    );
    expect(this.#breaks).toEqual([]);
  }
}

/** A session that counts, and answers each line in angle brackets. */
export const STREAM =
  'stty -echo; (i=0; while :; do i=$((i+1)); echo "$i"; sleep 0.01; done) & while read -r l; do echo "<$l>"; done';
