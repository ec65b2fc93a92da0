/** A desktop's browser, where there is one. Whatever becomes of it: the address is printed as well. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export function openBrowser(url: string): void {
  void import("node:child_process").then(({ spawn }) => {
    const [command, ...args] = process.platform === "darwin" ? ["open", url] : ["xdg-open", url];
    const child = spawn(command!, args, { stdio: "ignore", detached: true });
    child.on("error", () => {});
    child.unref();
  });
}

/** The same with an address that is a secret: in a file of its owner's alone, since the arguments of programs can be read by everybody on the machine. */
export function openBrowserPrivately(url: string, file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}"><title>Holdfast</title>\n`;
  writeFileSync(file, page, { mode: 0o600 });
  openBrowser(`file://${file}`);
}
