/**
 * What fish itself prints between accepting a line and running it, so behind the start mark, which no hook can move:
 * it switches bracketed paste off, sets the window's title, the normal colour, and returns the cursor:
 *
 *     ESC [ ? 2004 l   ESC ] 0 ; TITLE BEL   ESC [ 30 m ESC ( B ESC [ m   CR        fish 3.6, TERM=xterm-256color
 */

/** No title of fish's is longer; past this the bytes are the command's. */
const maxNoiseBytes = 8_192;

const whole = /^(?:\x1b\[\?[0-9;]*[hl]|\x1b\[[=>][0-9;]*u|\x1b[=>])*(?:\x1b\][0-2];[^\x07\x1b]*(?:\x07|\x1b\\)(?:\x1b\[[0-9;]*m|\x1b\(B|\x0f)*\r?)?/;

/**
 * How many bytes at the head of a fish command's output are fish's own; null: not yet decided, ask again with more.
 * `isAll`: no more will come.
 */
export function titleNoise(head: Uint8Array, isAll: boolean): number | null {
  let text = "";
  for (let i = 0; i < Math.min(head.length, maxNoiseBytes); i++) text += String.fromCharCode(head[i] as number);
  const length = whole.exec(text)?.[0].length ?? 0;
  const rest = text.slice(length);
  // The carriage return ends it; short of that, more of it may come while the rest is nothing or a sequence cut in two.
  const mayGrow = !text.slice(0, length).endsWith("\r") && /^(?:\x1b(?:\[[?0-9;]*|\][^\x07]*|\()?)?$/.test(rest);
  return mayGrow && !isAll && head.length < maxNoiseBytes ? null : length;
}
