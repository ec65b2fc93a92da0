/** Who asks: a key that was proven, or an invitation. */
export type Caller = { readonly keyId: string } | { readonly knockHash: string };

export function nameOf(caller: Caller): string {
  return "keyId" in caller ? caller.keyId : `invitation ${caller.knockHash.slice(0, 8)}`;
}
