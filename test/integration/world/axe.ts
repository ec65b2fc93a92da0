/** What can be seen without looking: names, roles, contrast, order. */
import axe from "axe-core";
import { onTestFinished } from "vitest";
import type { ConsoleBrowser } from "./console.ts";

/** In a world of its own: the page's policy keeps scripts out that are not its own, and that is not loosened for a test. */
export async function axeOn({ page, context }: ConsoleBrowser): Promise<string[]> {
  // What the pointer rests on is told in a bubble, which is no part of the screen.
  await page.mouse.move(0, 0);
  await page.getByRole("tooltip").waitFor({ state: "detached" });
  const session = await context.newCDPSession(page);
  onTestFinished(() => session.detach().catch(() => {}));
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
    worldName: "axe",
  });
  const run = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
      expression,
      contextId: executionContextId,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await run(axe.source);
  const found = await run(
    "axe.run(document.querySelector('[role=dialog]') ?? document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`))",
  );
  return found as string[];
}
