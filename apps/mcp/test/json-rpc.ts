/** An MCP client by hand, which chooses its request ids itself: for what no library would send. */
import type { Readable, Writable } from "node:stream";
import { createInterface } from "node:readline";

interface Response {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: unknown;
}

export class JsonRpcClient {
  readonly #input: Writable;
  readonly #waiting = new Map<number, (response: Response) => void>();
  /** Answers to what was never asked here. */
  readonly strays: unknown[] = [];

  constructor(output: Readable, input: Writable) {
    this.#input = input;
    createInterface({ input: output }).on("line", (line) => {
      const response = JSON.parse(line) as Response;
      const told = this.#waiting.get(response.id);
      this.#waiting.delete(response.id);
      if (told) told(response);
      else this.strays.push(response);
    });
  }

  async begin(): Promise<void> {
    await this.ask(0, "initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "by hand", version: "1" },
    });
    this.#send({ method: "notifications/initialized" });
  }

  /** The whole response, as it was sent. */
  ask(id: number, method: string, params: object): Promise<Response> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ id, method, params });
    });
  }

  call(id: number, name: string, args: object): Promise<Response> {
    return this.ask(id, "tools/call", { name, arguments: args });
  }

  #send(message: object): void {
    this.#input.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }
}
