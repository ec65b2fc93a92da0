/** A page in Debian's Chromium: the SDK's root, bundled, over both its carriers; a WebSocket by hand; the HTTP API with a grant of the page's key. */
import { readFileSync } from "node:fs";
import { OperatorKind } from "@holdfast/protocol";
import { files } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { bundled, dialledIn, keyIn, page, PageAttachment } from "./world/browser.ts";
import { world } from "./world/world.ts";

test.each(["ws", "http"])(
  "a page with a key of its own lists sessions over %s, attaches, types, sees the echo, and comes back when the host was killed",
  async (scheme) => {
    const w = await world();
    const shown = await page(await bundled());
    const url = (await w.listen({ allowOrigins: [shown.origin] })).replace(/^ws/, scheme);
    const admin = await w.connect();
    const session = await w.open(admin, { name: "seen", command: ["bash", "--norc"] });

    const publicKey = await keyIn(shown.page);
    await admin.operatorAdd({ name: "ana", kind: OperatorKind.HUMAN, role: "operator", publicKey });

    const dialled = dialledIn({ url }, readFileSync(files.hostPublicKey(w.home)));
    const facts = await shown.page.evaluate(`(async () => {
    globalThis.client = await holdfast.connect(${dialled});
    const names = (await client.list()).map((s) => s.name);
    const { operator, via } = await client.whoami();
    return { names, operator: operator.name, via };
  })()`);
    expect(facts).toEqual({ names: ["seen"], operator: "ana", via: "web" });
    const attachment = await PageAttachment.at(shown.page, "seen");
    expect(await attachment.types("echo from-a-''page")).toBe(1);
    await attachment.sees("from-a-page");

    // A key that can't be read out signs a grant, and the page reads the API with it.
    const read = await shown.page.evaluate(`(async () => {
    const grant = await client.grant({ session: "seen", capabilities: ["session.observe"] });
    const headers = { Authorization: "Bearer " + grant, "Content-Type": "application/json" };
    const at = ${JSON.stringify(url.replace(/^ws/, "http"))};
    const ask = async (verb, fields) =>
      (await fetch(at + "/v1/call/" + verb, { method: "POST", headers, body: JSON.stringify(fields) })).status;
    const events = await fetch(at + "/v1/sessions/seen/events?observe&replay&from=0", { headers });
    const { value } = await events.body.pipeThrough(new TextDecoderStream()).getReader().read();
    return [await ask("screen", { session: "seen" }), await ask("kill", { session: "seen" }), value.slice(0, 15)];
  })()`);
    expect(read).toEqual([200, 403, "event: attached"]);

    await w.killHost();
    expect(await attachment.types("echo again-''here")).toBe(1);
    await attachment.sees("again-here");
    expect(await attachment.links()).toContain("attachedtrue");
    const again = await w.connect();
    expect((await again.show(session.id)).operators).toMatchObject([{ operator: "ana", via: "web" }]);

    // Opened from a page, which has no folder and no environment.
    const opened = await shown.page.evaluate(`(async () => {
    const fresh = await holdfast.connect(${dialled});
    const { session } = await fresh.open({ name: "mine" });
    return session.cwd;
  })()`);
    expect(opened).toBe(w.env["HOME"]);
    const stranger = await shown.page.evaluate(`holdfast.connect({
      url: ${JSON.stringify(url)}, hostKey: new Uint8Array(32), credential: { keyId: new Uint8Array(32), sign: () => { throw new Error("signed"); } },
    }).then(() => "in", (e) => e.code)`);
    expect(stranger).toBe("host_key_changed");
  },
);

test("a page of an origin that was not allowed does not come in, by WebSocket or by any request, and reads nothing", async () => {
  const w = await world();
  const shown = await page("");
  const url = await w.listen();
  const web = url.replace("ws:", "http:");
  const socket = (address: string) =>
    shown.page.evaluate(`new Promise((done) => {
      const socket = new WebSocket(${JSON.stringify(address)}, "holdfast.v1");
      socket.onopen = () => done("open");
      socket.onclose = (e) => done("closed " + e.code);
    })`);
  expect(await socket(`${url}/v1/link`)).toBe("closed 1006");
  const tries = await shown.page.evaluate(`Promise.all([
    fetch("${web}/v1/link").then(() => "read", () => "refused"),
    fetch("${web}/v1/link", { method: "POST", body: "x", mode: "no-cors" }).then((r) => r.type + r.status),
    fetch("${web}/v1/http-link", { method: "POST", mode: "no-cors" }).then((r) => r.type + r.status),
    fetch("${web}/v1/call/list", { method: "POST", headers: { Authorization: "Bearer x" } }).then(() => "read", () => "refused"),
    new Promise((done) => { const s = new EventSource("${web}/v1/link"); s.onerror = () => { s.close(); done("refused"); }; s.onopen = () => done("open"); }),
  ])`);
  expect(tries).toEqual(["refused", "opaque0", "opaque0", "refused", "refused"]);

  // Allowed, a WebSocket by hand is a link; what it sends is a frame or its end.
  const allowed = await w.listen({ listen: new URL(url).host, allowOrigins: [shown.origin] });
  const bare = (send: string) =>
    shown.page.evaluate(`new Promise((done) => {
      const socket = new WebSocket(${JSON.stringify(`${allowed}/v1/link`)}, "holdfast.v1");
      socket.onopen = () => socket.send(${send});
      socket.onclose = (e) => done(socket.protocol + " " + e.code);
    })`);
  expect(await bare('"a text"')).toBe("holdfast.v1 1006");
  expect(await bare("Uint8Array.from([0, 0, 0, 0, 255, 255])")).toMatch(/^holdfast.v1 100\d$/);
});
