/** A host's HTTP API, as `curl` and as a reader of event streams see it. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import type { GrantSpec, HostClient } from "@holdfast/sdk";
import { createParser } from "eventsource-parser";
import { fact } from "./processes.ts";
import type { World } from "./world.ts";

export interface Answered {
  readonly status: number;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the API says is looked at from outside, field by field
  readonly json: any;
}

/** Whoever bears one grant. */
export class Bearer {
  readonly url: string;
  /** What curl reads its credential from: none is in an argument. */
  readonly header: string;
  readonly #world: World;
  readonly grant: string;
  static #made = 0;

  private constructor(world: World, url: string, grant: string) {
    this.#world = world;
    this.url = url;
    this.grant = grant;
    this.header = join(world.files, `grant-${++Bearer.#made}`);
    writeFileSync(this.header, `Authorization: Bearer ${grant}\n`, { mode: 0o600 });
  }

  /** `url`: as {@link World.listen} gives it. */
  static async of(world: World, url: string, client: HostClient, spec?: GrantSpec): Promise<Bearer> {
    return new Bearer(world, url.replace(/^ws/, "http"), await client.grant(spec));
  }

  /** The real curl. */
  curl(path: string, ...more: string[]): Promise<Answered> {
    return curl(this.#world, ["-H", `@${this.header}`, ...more, `${this.url}${path}`]);
  }

  call(verb: string, fields: object = {}, ...more: string[]): Promise<Answered> {
    return this.curl(`/v1/call/${verb}`, "--json", JSON.stringify(fields), ...more);
  }

  /** An event stream, attached. */
  async stream(session: string, query = "", headers: Record<string, string> = {}): Promise<Stream> {
    return Stream.open(this.#world, `${this.url}/v1/sessions/${session}/events${query}`, {
      Authorization: `Bearer ${this.grant}`,
      ...headers,
    });
  }
}

export async function curl(world: World, args: readonly string[], input: string | Uint8Array = ""): Promise<Answered> {
  const child = spawn("curl", ["-sS", "--max-time", "150", "-w", "\n%{http_code}", ...args], { env: world.env });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const said: Buffer[] = [];
  let wrong = "";
  child.stdout.on("data", (bytes: Buffer) => said.push(bytes));
  child.stderr.on("data", (text: Buffer) => {
    wrong += text.toString();
  });
  await new Promise((ended) => child.once("close", ended));
  const all = Buffer.concat(said).toString();
  const cut = all.lastIndexOf("\n");
  const [body, status] = [all.slice(0, cut), Number(all.slice(cut + 1))];
  if (status === 0) throw new Error(`curl: ${wrong}`);
  return {
    status,
    body,
    get json() {
      return JSON.parse(body);
    },
  };
}

export interface StreamEvent {
  readonly name: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly data: any;
}

export class Stream {
  readonly events: StreamEvent[] = [];
  readonly #response: IncomingMessage;
  isOver = false;

  private constructor(response: IncomingMessage) {
    this.#response = response;
    const parser = createParser({
      onEvent: ({ event, id, data }) => void this.events.push({ name: event ?? "", id, data: JSON.parse(data) }),
    });
    response.setEncoding("utf8");
    response.on("data", (text: string) => parser.feed(text));
    response.on("error", () => {});
    response.once("close", () => {
      this.isOver = true;
    });
  }

  static open(world: World, url: string, headers: Record<string, string>): Promise<Stream> {
    return new Promise((resolve, reject) => {
      const request = get(url, { headers, agent: false });
      request.once("error", reject);
      request.once("response", (response) => {
        if (response.statusCode !== 200) {
          let said = "";
          response.on("data", (bytes: Buffer) => {
            said += bytes.toString();
          });
          response.once("end", () => reject(new Error(`${response.statusCode} ${said}`)));
          return;
        }
        const stream = new Stream(response);
        world.atEnd(() => stream.close());
        resolve(stream);
      });
    });
  }

  /** The first event that is so. */
  until(text: string, is: (e: StreamEvent) => boolean): Promise<StreamEvent> {
    return fact(`the stream tells: ${text}`, () => this.events.find(is) ?? null);
  }

  async token(): Promise<string> {
    return (await this.until("attached", (e) => e.name === "attached")).data.token;
  }

  close(): void {
    this.#response.destroy();
  }
}
