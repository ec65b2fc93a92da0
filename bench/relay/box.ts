/** A real host on this machine, in a home of its own: its session is typed to straight and through the relay. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { homeFolder } from "@holdfast/sdk/node";
import { freePort } from "./ssh.ts";
import type { TypingWay } from "./typing.ts";

export const holdPath = fileURLToPath(new URL("../../bin/hold", import.meta.url));

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export class Box {
  readonly #home: string;
  readonly #env: NodeJS.ProcessEnv;
  /** Where it listens, with TLS as the relay has it. */
  #direct = "";
  #relayed = "";
  #id = "";
  readonly #certificate: Certificate;

  constructor(home: string, certificate: Certificate) {
    this.#home = home;
    this.#certificate = certificate;
    this.#env = { ...process.env, HOLDFAST_HOME: home };
  }

  #hold(...args: readonly string[]): string {
    return execFileSync(holdPath, [...args], { env: this.#env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  }

  /** Listens, has a session for each way, and dials the relay. */
  async start(relayUrl: string, token: string): Promise<void> {
    const listen = `127.0.0.1:${await freePort()}`;
    const { cert, key } = this.#certificate;
    this.#hold("host", "up", "--listen", listen, "--tls-cert", cert, "--tls-key", key);
    this.#direct = `wss://${listen}`;
    for (const name of ["direct", "relay"]) this.#hold("new", name, "-d", "--", "cat");
    const { hostId } = JSON.parse(this.#hold("host", "join", relayUrl, "--token", token, "--name", "box", "--json")) as {
      hostId: string;
    };
    this.#id = hostId;
    const { host, hash } = new URL(relayUrl);
    this.#relayed = `relay://${host}/${hostId}${hash}`;
  }

  way(name: "direct" | "relay"): TypingWay {
    const ca = readFileSync(this.#certificate.cert, "utf8");
    const url = name === "direct" ? this.#direct : this.#relayed;
    return { kind: "hold", home: homeFolder(this.#env), session: name, url, trust: this.#id, ca };
  }

  /** `hold ls` there, from cold; milliseconds. */
  ls(name: "direct" | "relay"): number {
    const began = performance.now();
    if (name === "direct") this.#hold("ls");
    else this.#hold("--host", this.#relayed, "ls");
    return performance.now() - began;
  }

  /** `hold ls` on that machine by ssh. */
  lsBy([command = "", ...args]: readonly string[]): number {
    const began = performance.now();
    execFileSync(command, [...args, `HOLDFAST_HOME=${this.#home}`, holdPath, "ls"], { stdio: "ignore" });
    return performance.now() - began;
  }

  end(): void {
    if (this.#id === "") return;
    for (const name of ["direct", "relay"]) this.#hold("kill", name);
    this.#hold("host", "down");
  }
}

export const certificateIn = (folder: string): Certificate => ({ cert: join(folder, "cert.pem"), key: join(folder, "key.pem") });
