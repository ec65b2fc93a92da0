/** A refusal as a client is told it: its cause stays here. */
import type { Error as WireError, HoldError } from "@holdfast/protocol";

export function onWire(error: HoldError): WireError {
  return { code: error.code, message: error.message, details: { ...error.details } };
}
