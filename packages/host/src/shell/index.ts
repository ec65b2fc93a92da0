export { type PreparedShell, prepareShell, type Shell, type ShellRequest, shellOf } from "./prepare.ts";
export { commandText, quoteWords, wrapCommand, type WrapOptions } from "./wrap.ts";
