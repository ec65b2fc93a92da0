/**
 * The one place where the page's policy (Trusted Types, `holdfast`) lets a text become more than a text.
 *   X1  A property list may be read as XML, which has no scripts that run: without a definition of entities, so that it is as large as it looks.
 *   X2  The page's worker may be begun, by its one address.
 *   X3  No other text becomes a document, a script or a script's address.
 */

interface Policy {
  createHTML(text: string): string;
  createScriptURL(address: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}

const WORKER = "/worker.js";
const rules: Policy = {
  createHTML: (text) => {
    if (!isPlainXml(text)) throw new TypeError("only a property list is read");
    return text;
  },
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError("the page begins no script but its worker");
    return address;
  },
};
const policy = (globalThis as { readonly trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("holdfast", rules) ?? rules;

/** X1: for a reader of XML, and no other; null for what is not plain. */
export function trustedXml(text: string): string | null {
  return isPlainXml(text) ? policy.createHTML(text) : null;
}

/** X2. */
export const workerAddress = (): string => policy.createScriptURL(WORKER);

function isPlainXml(text: string): boolean {
  return /^\ufeff?\s*<(\?xml|!DOCTYPE plist|plist)/.test(text) && !/<!(ENTITY|ATTLIST|ELEMENT|NOTATION)|<script/i.test(text);
}
