/** The authorization code flow of a native application: what the person does in a browser, and the ID token that comes of it. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isLoopback } from "@holdfast/carrier/websocket";
import { HoldError } from "@holdfast/protocol";
import * as oidc from "openid-client";

export interface CodeFlow {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  readonly show: (url: string) => void;
  readonly signal?: AbortSignal;
}

const CALLBACK = "/callback";
/** What a person may take to log in. */
const PERSON_MS = 10 * 60_000;
const ISSUER_S = 10;

export async function idTokenOf(flow: CodeFlow): Promise<string> {
  const { clientId, nonce, show } = flow;
  const issuer = new URL(flow.issuer);
  try {
    const config = await oidc.discovery(issuer, clientId, undefined, oidc.None(), {
      timeout: ISSUER_S,
      // Plaintext is for an issuer of this machine, and for no other.
      ...(issuer.protocol === "http:" && isLoopback(issuer.hostname) ? { execute: [oidc.allowInsecureRequests] } : {}),
    });
    const verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const waiting = await Callback.open(state);
    try {
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: waiting.url,
        scope: "openid",
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state,
        nonce,
      });
      show(url.href);
      const back = await waiting.called(flow.signal);
      const tokens = await oidc.authorizationCodeGrant(config, back, {
        pkceCodeVerifier: verifier,
        expectedNonce: nonce,
        expectedState: state,
        idTokenExpected: true,
      });
      return tokens.id_token!;
    } finally {
      waiting.close();
    }
  } catch (fault) {
    if (fault instanceof HoldError) throw fault;
    throw inWords(fault, flow.issuer);
  }
}

function inWords(fault: unknown, issuer: string): HoldError {
  const {
    message,
    cause,
    error,
    error_description: description,
  } = fault as {
    message?: string;
    cause?: { message?: string };
    error?: string;
    error_description?: string;
  };
  const why = [message, error, description, cause?.message].filter(Boolean).join(": ");
  const isRefused = fault instanceof oidc.AuthorizationResponseError || fault instanceof oidc.ResponseBodyError;
  return new HoldError(
    isRefused ? "login_refused" : "unreachable",
    isRefused
      ? `${issuer} has refused the login (${why}); try again with: hold login`
      : `${issuer} can't be logged in at (${why})`,
    {},
    { cause: fault },
  );
}

/** Where the browser is sent back to: a port of this machine's loopback, for one answer to one question. */
class Callback {
  readonly url: string;
  readonly #server: ReturnType<typeof createServer>;
  readonly #answer: Promise<URL>;

  private constructor(server: ReturnType<typeof createServer>, url: string, answer: Promise<URL>) {
    this.#server = server;
    this.url = url;
    this.#answer = answer;
  }

  static async open(state: string): Promise<Callback> {
    const { promise, resolve } = Promise.withResolvers<URL>();
    let base = "";
    const server = createServer({ maxHeaderSize: 16 * 1024 }, (request, response) => {
      const url = URL.parse(request.url ?? "", base);
      // Whatever else knocks here is not the answer, and does not end the wait for it.
      if (request.method !== "GET" || url?.pathname !== CALLBACK || url.searchParams.get("state") !== state)
        return page(response, 404, "There is nothing here.");
      page(response, 200, "Go back to the terminal; this page can be closed.");
      resolve(url);
    });
    await new Promise<void>((listening, failed) => {
      server.once("error", failed);
      server.listen(0, "127.0.0.1", listening);
    });
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return new Callback(server, base + CALLBACK, promise);
  }

  async called(signal: AbortSignal | undefined): Promise<URL> {
    const late = AbortSignal.timeout(PERSON_MS);
    const ends = signal ? AbortSignal.any([signal, late]) : late;
    const { promise, reject } = Promise.withResolvers<never>();
    const given = (): void =>
      reject(
        late.aborted
          ? new HoldError("timed_out", "nobody logged in; try again with: hold login")
          : new HoldError("cancelled", "given up; nothing was enrolled"),
      );
    if (ends.aborted) given();
    ends.addEventListener("abort", given, { once: true });
    return Promise.race([this.#answer, promise]).finally(() => ends.removeEventListener("abort", given));
  }

  close(): void {
    this.#server.close();
    this.#server.closeIdleConnections();
  }
}

function page(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      "Content-Security-Policy": "default-src 'none'",
      Connection: "close",
    })
    .end(`<!doctype html><title>Holdfast</title><p>${text}</p>\n`);
}
