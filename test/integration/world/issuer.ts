/** The issuer of a test (oidc-provider.mjs), and a person at a browser there: pages are followed as a browser would, forms are filled in. */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

const REDIRECT = "http://127.0.0.1/callback";
const MOST_STEPS = 30;

export class Issuer {
  readonly url: string;
  readonly #end: () => Promise<void>;

  private constructor(url: string, end: () => Promise<void>) {
    this.url = url;
    this.#end = end;
  }

  /** Ended with the test, if not before. */
  static async start(): Promise<Issuer> {
    const child = spawn(process.execPath, [new URL("oidc-provider.mjs", import.meta.url).pathname], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    const end = async (): Promise<void> => {
      child.kill("SIGKILL");
      await ended;
    };
    onTestFinished(end);
    const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), "line"), ended])) as [unknown];
    if (typeof line !== "string") throw new Error(`the issuer ended with ${String(line)} before it said where it is`);
    return new Issuer(line, end);
  }

  stop(): Promise<void> {
    return this.#end();
  }

  /** Somebody opens this address, logs in as `name` and agrees; resolves with where they are sent back to, which is asked for only if it answers. */
  async browse(address: string, name: string): Promise<URL> {
    const cookies = new Map<string, string>();
    const go = async (url: URL, form?: Record<string, string>): Promise<Response> => {
      const answer = await fetch(url, {
        redirect: "manual",
        headers: { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join("; ") },
        ...(form ? { method: "POST", body: new URLSearchParams(form) } : {}),
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [, key, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        if (key === undefined || value === undefined) continue;
        if (value === "") cookies.delete(key);
        else cookies.set(key, value);
      }
      return answer;
    };
    let at = new URL(address);
    let form: Record<string, string> | undefined;
    for (let step = 0; step < MOST_STEPS; step++) {
      if (at.origin !== new URL(this.url).origin) {
        await fetch(at).then(
          (r) => r.text(),
          () => null,
        );
        return at;
      }
      const answer = await go(at, form);
      const page = await answer.text();
      const next = answer.headers.get("location");
      if (next !== null) {
        at = new URL(next, at);
        form = undefined;
      } else if (/name="prompt" value="login"/.test(page)) form = { prompt: "login", login: name, password: "any" };
      else if (/name="prompt" value="consent"/.test(page)) form = { prompt: "consent" };
      else throw new Error(`${at.href} answers ${answer.status}: ${page.slice(0, 500)}`);
    }
    throw new Error(`the login of ${name} goes round in circles`);
  }

  /** An ID token, as somebody gets it who logs in with a program of their own. */
  async token(name: string, nonce: string, client = "holdfast"): Promise<string> {
    const verifier = randomBytes(32).toString("base64url");
    const question = new URL(`${this.url}/auth`);
    question.search = new URLSearchParams({
      client_id: client,
      redirect_uri: REDIRECT,
      response_type: "code",
      scope: "openid",
      nonce,
      state: "s",
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    }).toString();
    const back = await this.browse(question.href, name);
    const answer = await fetch(`${this.url}/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: back.searchParams.get("code") ?? "",
        redirect_uri: REDIRECT,
        client_id: client,
        code_verifier: verifier,
      }),
    });
    const { id_token: token } = (await answer.json()) as { id_token?: string };
    if (token === undefined) throw new Error(`no token for ${name}: ${answer.status}`);
    return token;
  }
}
