/**
 * What fish itself prints between accepting a line and running it, so behind the start mark, which no hook can move:
 * it switches bracketed paste off, sets the window's title, the normal colour, and returns the cursor:
 *
 *     ESC [ ? 2004 l   ESC ] 0 ; TITLE BEL   ESC [ 30 m ESC ( B ESC [ m   CR        fish 3.6, TERM=xterm-256color
 *     ESC [ ? 2004 l   ESC [ 30 m ESC ( B ESC [ m                                   the same with an empty fish_title
 */

/** No title of fish's is longer; past this the bytes are the command's. */
const maxNoiseBytes = 8_192;

const modes = /^(?:\x1b\[\?[0-9;]*[hl]|\x1b\[[=>][0-9;]*u|\x1b[=>])*/;
const title = /^\x1b\][0-2];[^\x07\x1b]*(?:\x07|\x1b\\)(?:\x1b\[[0-9;]*m|\x1b\(B|\x0f)*\r?/;
const normalColour = /^\x1b\[30m(?:\x1b\(B)?\x1b\[m\x0f?/;
/** What may yet become more of it: nothing, or a sequence cut in two. */
const cut = /^(?:\x1b(?:\[[?0-9;]*|\][^\x07]*|\(|\[30m(?:\x1b(?:\(B?)?)?(?:\x1b\[?)?)?)?$/;

/**
 * How many bytes at the head of a fish command's output are fish's own; null: not yet decided, ask again with more.
 * `isAll`: no more will come.
 */
export function titleNoise(head: Uint8Array, isAll: boolean): number | null {
  let text = "";
  for (let i = 0; i < Math.min(head.length, maxNoiseBytes); i++) text += String.fromCharCode(head[i] as number);
  let length = modes.exec(text)?.[0].length ?? 0;
  length += (title.exec(text.slice(length)) ?? normalColour.exec(text.slice(length)))?.[0].length ?? 0;
  const mayGrow = !text.slice(0, length).endsWith("\r") && cut.test(text.slice(length));
  return mayGrow && !isAll && head.length < maxNoiseBytes ? null : length;
}

/** zsh switches bracketed paste on after it says that it reads. */
const editorNoise = /\x1b\[\?2004[hl]/g;

/** Whether this, printed behind the mark that the editor reads, is more than the editor's own noise: an echo, or fish's prompt. */
export function echoes(shown: Uint8Array): boolean {
  return String.fromCharCode(...shown.subarray(0, 64)).replaceAll(editorNoise, "") !== "";
}
