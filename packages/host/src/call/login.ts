/** Logins in the handshake: a person whom the host's OIDC issuer knows makes a key theirs (operator/oidc.ts). */
import { loginWords, HoldError } from "@holdfast/protocol";
import type { Host } from "../host.ts";
import { nonceOf } from "../operator/oidc.ts";
import type { RegisteredOperator } from "../operator/registry.ts";

/** The answer to who asks where to log in: a refusal that says it. */
export function whereToLogin(host: Host): HoldError {
  if (!host.oidc) return new HoldError("unsupported", "nobody logs in at this host; ask an admin for an invitation");
  const { issuer, clientId } = host.oidc.settings;
  return new HoldError("login_required", `log in at ${issuer}`, { issuer, clientId });
}

/**
 * Makes a key that is proven already one of the operator whom the token names. The token is good for this key and this host alone
 * (its nonce), and a key is enrolled once for ever (registry O6): so a token works once.
 */
export async function logIn(
  host: Host,
  init: { readonly idToken: string; readonly publicKey: Uint8Array; readonly hostKey: Uint8Array; readonly via: string },
): Promise<RegisteredOperator> {
  const { oidc, registry, ports } = host;
  if (!oidc) throw whereToLogin(host);
  const subject = await oidc.subjectOf(init.idToken, nonceOf(loginWords(init.publicKey, init.hostKey)));
  if (ports.journal.frozen)
    throw new HoldError("journal_frozen", "the journal can't be written: nobody is let in unrecorded; try again later");
  const { issuer } = oidc.settings;
  const operator = registry.byOidc({ issuer, subject });
  if (!operator)
    throw new HoldError(
      "login_refused",
      `${issuer} knows you as ${subject}, and no operator here is linked to that; an admin adds you with: hold operator add NAME --oidc-subject ${subject}`,
      { reason: "not_linked", subject },
    );
  if (operator.revoked) throw new HoldError("revoked", `operator ${operator.name} was revoked`, { operator: operator.id });
  const enrolled = registry.addKey(operator.id, init.publicKey, { by: operator.id, nowUnixMs: ports.clock.wallMs() });
  host.recordOperator(
    { id: operator.id, via: init.via },
    operator.id,
    "logged_in",
    `another key for ${operator.id}: ${subject} of ${issuer}`,
  );
  return enrolled;
}
