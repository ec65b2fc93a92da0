/** `<hold-terminal>` in a page of somebody else's: the document's example as it is written, and what keeps the page and the session apart. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SessionState } from "@holdfast/sdk";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held } from "./world/hold.ts";
import { fact } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

afterAll(closeChrome);

const root = join(import.meta.dirname, "..", "..");
const example = /```html\n([\s\S]*?)```/.exec(readFileSync(join(root, "docs", "terminal-element.md"), "utf8"))![1]!;
const POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; connect-src ws://127.0.0.1:*; require-trusted-types-for 'script'";

/** A page of another origin than the host's, with the module beside it, under a policy as strict as the document says that it may be. */
async function served(html: string): Promise<string> {
  const module = readFileSync(join(root, "dist", "terminal", "hold-terminal.js"));
  const server = createServer(({ url }, response) => {
    const isModule = url === "/hold-terminal.js";
    response.writeHead(isModule || url === "/" ? 200 : 404, {
      "Content-Type": isModule ? "text/javascript" : "text/html",
      "Content-Security-Policy": POLICY,
    });
    response.end(isModule ? module : html);
  }).listen(0, "127.0.0.1");
  await fact("it listens", async () => server.listening);
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Opens the page in a browser of its own, and lets it in by an invitation to that session. */
async function opened(w: World, html: string, session: string, role = "operator"): Promise<ConsoleBrowser> {
  const origin = await served(html);
  await w.listen({ allowOrigins: [origin] });
  const invite = await held(w, "share", session, "--role", role, "--ttl", "30m");
  const ana = await ConsoleBrowser.of();
  ana.page.on("dialog", (dialog) => void dialog.accept(invite));
  await ana.page.goto(origin);
  return ana;
}

const readable = example.replace("<hold-terminal ", "<hold-terminal screen-reader ");

test("the document's example attaches, is typed into, takes the floor, says how it ended, and keeps its key out of the document", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, { name: "build" });
  const ana = await opened(w, readable, "build");
  const [state, floor] = [ana.page.locator("#state"), ana.page.locator("#floor")];
  await state.getByText("attached").waitFor();
  await ana.page.evaluate("document.querySelector('hold-terminal').focus()");
  await ana.page.keyboard.type("echo typed-$((6 * 7))");
  await ana.page.keyboard.press("Enter");
  await ana.sees("typed-42");
  await floor.getByText("you steer").waitFor();
  await ana.page.evaluate("document.querySelector('hold-terminal').release()");
  await floor.getByText("free").waitFor();
  await ana.page.getByRole("button", { name: "Take the floor" }).click();
  await floor.getByText("you steer").waitFor();
  expect(await axeOn(ana)).toEqual([]);
  const attributes = await ana.page.evaluate("document.querySelector('hold-terminal').getAttributeNames().sort()");
  expect(attributes).toEqual(["font-size", "screen-reader", "session", "theme", "url"]);

  await ana.page.evaluate("document.querySelector('hold-terminal').focus()");
  await ana.page.keyboard.type("exit 3");
  await ana.page.keyboard.press("Enter");
  await state.getByText(/^(ended with 3|over)$/).waitFor();
  await ana.page.getByText("Ended with code 3.").waitFor();
  expect(ana.complaints).toEqual([]);
});

test("taken out of the page it detaches and ends nothing; looking on it types nothing; a theme and letters are changed while it is there", async () => {
  const w = await world();
  const admin = await w.connect();
  const session = await w.open(admin, { name: "build" });
  const ana = await opened(w, readable, "build");
  await ana.page.locator("#state").getByText("attached").waitFor();
  const attached = async (): Promise<number> => (await admin.show(session.id)).operators.length;
  expect(await attached()).toBe(1);
  await ana.page.evaluate(`(() => {
    const terminal = document.querySelector("hold-terminal");
    terminal.remove();
    globalThis.kept = terminal;
  })()`);
  await fact("it is detached", async () => (await attached()) === 0);
  await ana.page.evaluate("kept.readOnly = true; document.body.prepend(kept)");
  await fact("it looks on", async () => (await admin.show(session.id)).operators[0]?.observing === true);
  await ana.page.locator("hold-terminal .xterm-helper-textarea").focus();
  await ana.page.keyboard.type("echo never\n");
  await expect(ana.page.evaluate("kept.take()")).rejects.toThrow(/looks on/);
  expect((await admin.screen(session.id)).lines.join("\n")).not.toContain("never");

  await ana.page.evaluate("kept.theme = { background: '#000066', foreground: '#ffffff' }; kept.fontSize = 20");
  const ground = "getComputedStyle(document.querySelector('hold-terminal')).backgroundColor";
  expect(await ana.page.evaluate(ground)).toBe("rgb(0, 0, 102)");
  await ana.page.evaluate("kept.setAttribute('theme', 'High contrast light')");
  expect(await ana.page.evaluate(ground)).toBe("rgb(255, 255, 255)");
  await expect(ana.page.evaluate("kept.theme = { background: 'red' }")).rejects.toThrow(/background/);
  expect((await admin.show(session.id)).state).toBe(SessionState.RUNNING);
  expect(ana.complaints).toEqual([]);
});

test("a link is shown before it is followed, a paste of lines before it is typed, and a host that is away is waited for", async () => {
  const w = await world();
  const admin = await w.connect();
  await w.open(admin, {
    name: "build",
    script: "printf '\\033]8;;https://example.org/there\\007a link\\033]8;;\\007\\n'; exec cat",
  });
  const ana = await opened(w, readable, "build");
  await ana.sees("a link");
  const screen = (await ana.page.locator("hold-terminal .xterm-screen").boundingBox())!;
  await ana.page.mouse.move(screen.x + 20, screen.y + 8, { steps: 3 });
  await ana.page.mouse.click(screen.x + 20, screen.y + 8);
  const link = ana.page.getByRole("alertdialog", { name: "Open this link?" });
  await link.getByText("https://example.org/there").waitFor();
  expect(await axeOn(ana)).toEqual([]);
  await link.getByRole("button", { name: "Cancel" }).click();

  await ana.page.evaluate(`(() => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "one\\ntwo\\n");
    const area = document.querySelector("hold-terminal").shadowRoot.querySelector(".xterm-helper-textarea");
    area.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true, composed: true }));
  })()`);
  const paste = ana.page.getByRole("alertdialog", { name: "Paste 2 lines?" });
  await paste.getByText("one").waitFor();
  expect((await ana.lines()).join("\n")).not.toContain("one");
  await paste.getByRole("button", { name: "Paste", exact: true }).click();
  await ana.sees("two");

  await w.killHost();
  await ana.page.locator("hold-terminal").getByText("The link is down").waitFor({ state: "detached" });
  await fact(
    "it is attached again",
    async () => (await ana.page.evaluate("document.querySelector('hold-terminal').state.is")) === "attached",
  );
  expect(ana.complaints).toEqual([]);
});
