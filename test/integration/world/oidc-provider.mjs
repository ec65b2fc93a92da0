/**
 * An OpenID Connect issuer in a process of its own: `oidc-provider`, as others run it, with the pages of its development on this machine's
 * loopback. Prints its URL as its first line. Any name may log in, and is the subject.
 */
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

/** Public, native: a redirect to this machine's loopback, on any port (RFC 8252 §7.3). */
const client = (id) => ({
  client_id: id,
  application_type: "native",
  token_endpoint_auth_method: "none",
  redirect_uris: ["http://127.0.0.1/callback"],
  response_types: ["code"],
  grant_types: ["authorization_code"],
});

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [client("holdfast"), client("another")],
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "RS256", use: "sig" }] },
    cookies: { keys: ["a key of the tests"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
  });
  server.on("request", provider.callback());
  process.stdout.write(`${issuer}\n`);
});
