/**
 * Text of a program for an operator's terminal: colours stay, whatever else would act on the terminal goes.
 *
 *   S1  The only controls of the result are newline, tab and SGR (`ESC [ digits, ; and : m`).
 *   S2  A sequence goes with all that belongs to it: titles, clipboards, links, images, also those that never end.
 *   S3  The 8-bit forms (U+0080 to U+009F) count as the controls that they are; xterm obeys them.
 *   S4  Carriage returns and backspaces stay until {@link overwritten} has applied them.
 */

const SGR = /^\x1b\[[\d;:]*m$/;
/** A CSI; a string of OSC, DCS, SOS, PM or APC, or what is there of it; another escape; a lone control. */
const CONTROL =
  /(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|(?=[^ -~])|$)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\x18\x1a]*(?:\x07|\x1b\\|\x9c|\x18|\x1a|(?=\x1b)|$)|\x1b[ -/]*[0-~]|[\x00-\x07\v\f\x0e-\x1f\x7f-\x9f]/g;

/** S1 to S4. */
export function sanitized(text: string): string {
  return text.replace(CONTROL, (found) => (SGR.test(found) ? found : ""));
}
