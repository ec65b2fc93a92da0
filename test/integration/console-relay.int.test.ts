/** The console as a relay serves it, in Debian's Chromium: for a browser that has nothing else, by an admin's word, marked, and worth no more than it is. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { selfMadeCertificate } from "@holdfast/testkit/certificate";
import { afterAll, expect, test } from "vitest";
import { axeOn, ConsoleBrowser, closeChrome } from "./world/console.ts";
import { held, hold as run, machine } from "./world/hold.ts";
import { freePort } from "./world/port.ts";
import { killed } from "./world/processes.ts";
import { type World, world } from "./world/world.ts";

afterAll(closeChrome);

const hold = fileURLToPath(new URL("../../bin/hold", import.meta.url));

interface Serving {
  readonly page: string;
  /** As `kill -9`, and again at the same places. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** A relay that serves the console, and the host of `w` joined to it. */
async function serving(w: World, { allowPlain = true } = {}): Promise<Serving> {
  const [grpc, web] = [await freePort(), await freePort()];
  let child: ChildProcess | null = null;
  let said = { url: "", page: "", join: "" };
  const start = async (): Promise<void> => {
    const places = ["--listen", `127.0.0.1:${grpc}`, "--web", `127.0.0.1:${web}`, "--console"];
    child = spawn(hold, ["relay", "--folder", w.path("relay"), "--json", ...places], {
      env: w.env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    said = { ...said, ...(JSON.parse(line) as typeof said) };
  };
  const kill = async (): Promise<void> => {
    const was = child;
    child = null;
    if (was) await killed(was);
  };
  w.atEnd(kill);
  await start();
  const token = /--token (\S+)/.exec(said.join)![1]!;
  await held(w, "host", "join", said.url, "--token", token, "--name", "box", ...(allowPlain ? ["--allow-plain"] : []));
  return { page: said.page, kill, start };
}

const linkOf = async (w: World, ...words: readonly string[]): Promise<string> =>
  (JSON.parse(await held(w, ...words, "--by-relay", "--json")) as { link: string }).link;

test("a browser that has nothing else is let in by a link to the relay's page, is shown and recorded as not end to end, and manages nothing that would outlast it", async () => {
  const w = await world();
  await w.open(await w.connect(), { name: "work", command: ["bash", "--norc"] });
  const { page } = await serving(w);
  const ana = await ConsoleBrowser.of();
  await ana.page.goto(await linkOf(w, "console"));
  expect(new URL(ana.page.url()).origin).toBe(page);
  await ana.goTo("work");
  expect(ana.page.url()).not.toContain("hold1");
  await ana.type("echo from-$((6 * 7))");
  await ana.sees("from-42");
  await ana.page.getByText("Not end to end").waitFor();
  expect(await held(w, "log", "work", "--kind", "attached")).toContain("e2e=false");
  expect(await held(w, "audit", "show")).toMatch(/came_in_plain: web, through a relay/);
  // Wherever that key is shown; here, by a native client that the same sort of link has let in.
  const native = machine(w, "elsewhere");
  const joined = await held(native, "join", "--json", (await linkOf(w, "console")).split("#")[1]!);
  const { url } = JSON.parse(joined) as { url: string };
  expect(JSON.parse(await held(native, "--host", url, "ls", "--json"))).toMatchObject({ name: "work" });
  expect(await run(native, "--host", url, "operator", "add", "eve")).toMatchObject({
    err: expect.stringContaining("not_permitted"),
  });
  expect(await held(w, "operator", "show", (await w.connect()).operator.operator!.name)).toContain("holds, not end to end");

  await ana.page.getByRole("link", { name: "Operators" }).click();
  await ana.page.getByText(/leads to .*, not end to end/).waitFor();
  await ana.page.getByRole("link", { name: "Hosts" }).click();
  await ana.page.getByText("not end to end", { exact: true }).waitFor();
  expect(await axeOn(ana)).toEqual([]);
  expect(ana.complaints).toEqual([]);
});

test("the relay is killed under an open page: it comes back by itself, and what was typed meanwhile is typed once", async () => {
  const w = await world();
  await w.open(await w.connect(), { name: "work", command: ["bash", "--norc"] });
  const { kill, start } = await serving(w);
  const ana = await ConsoleBrowser.of();
  await ana.page.goto(await linkOf(w, "console"));
  await ana.goTo("work");
  await ana.type("echo before-$((6 * 7))");
  await ana.sees("before-42");
  await kill();
  await ana.page
    .getByText(/offline|no link|not connected|dials/i)
    .first()
    .waitFor();
  await ana.type("echo meanwhile-$((6 * 7))");
  await start();
  await ana.page.getByText("live", { exact: true }).first().waitFor();
  const send = ana.page.getByRole("button", { name: "Send them" });
  if ((await send.count()) > 0) await send.click();
  await ana.sees("meanwhile-42");
  const answers = (await ana.lines()).filter((line) => line === "meanwhile-42");
  expect(answers).toEqual(["meanwhile-42"]);
  await ana.page.reload();
  await ana.sees("meanwhile-42");
});

test("a guest who has a link and a browser is in the one session, is offered nothing that their host would refuse, and is out when they are taken back", async () => {
  const w = await world();
  await w.open(await w.connect(), { name: "work", command: ["bash", "--norc"] });
  await w.open(await w.connect(), { name: "other", command: ["bash", "--norc"] });
  await serving(w);
  const bob = await ConsoleBrowser.of({ width: 390, height: 800 });
  await bob.page.goto(await linkOf(w, "share", "work", "--role", "operator", "--name", "bob"));
  await bob.page.getByText("live", { exact: true }).first().waitFor();
  await bob.type("echo guest-$((6 * 7))");
  await bob.sees("guest-42");
  expect(await held(w, "show", "work", "--json")).toContain('"bob"');
  const offers = (role: "link" | "button", name: string) => bob.page.getByRole(role, { name });
  await bob.page.getByRole("button", { name: "What can be done with work" }).click();
  await bob.page.getByRole("menuitem", { name: "Rename" }).waitFor();
  expect(await bob.page.getByRole("menuitem", { name: "Share" }).count()).toBe(0);
  await bob.page.keyboard.press("Escape");
  await offers("link", "Sessions").click();
  await bob.page.getByRole("grid", { name: "Sessions" }).waitFor();
  expect([
    await offers("button", "New session").count(),
    await offers("link", "Operators").count(),
    await offers("link", "Audit").count(),
  ]).toEqual([0, 0, 0]);
  await held(w, "operator", "revoke", "bob");
  await bob.page
    .getByText(/revoked|out/i)
    .first()
    .waitFor();
});

test("who shares from the page chooses how the guest comes in; who may only look on is told so", async () => {
  const w = await world();
  await w.open(await w.connect(), { name: "work", command: ["bash", "--norc"] });
  const { page } = await serving(w);
  const ana = await ConsoleBrowser.of();
  await ana.open(w);
  await ana.goTo("work");
  await ana.page.getByRole("button", { name: "What can be done with work" }).click();
  await ana.page.getByRole("menuitem", { name: "Share" }).click();
  await ana.page.getByText("A link for any browser, by a relay that could read it").click();
  await ana.page.getByText(/serves that page: it can read what is shown there/).waitFor();
  expect(await axeOn(ana)).toEqual([]);
  await ana.page.getByRole("button", { name: "Make an invitation" }).click();
  const link = await ana.page.getByLabel("Send them this").inputValue();
  expect(link).toContain(`${page}/#hold1.`);
  await ana.page.getByRole("button", { name: "Done", exact: true }).click();
  const bob = await ConsoleBrowser.of();
  await bob.page.goto(link);
  await bob.page.getByText("you look on").waitFor();
  expect(await bob.page.getByText("type to steer").count()).toBe(0);
});

test("a host that listens with a certificate serves the page to other machines of its network, end to end", async () => {
  const w = await world();
  await w.open(await w.connect(), { name: "work", command: ["bash", "--norc"] });
  expect(await run(w, "console", "--by-network")).toMatchObject({ err: expect.stringContaining("hold host up --listen") });
  const { cert, key } = selfMadeCertificate();
  writeFileSync(w.path("box.pem"), cert);
  writeFileSync(w.path("box.key"), key);
  const tls = ["--tls-cert", w.path("box.pem"), "--tls-key", w.path("box.key")];
  await held(w, "host", "up", "--listen", "0.0.0.0:0", ...tls, "--allow-host", "localhost", "--console");
  const { url, link } = JSON.parse(await held(w, "console", "--by-network", "--json")) as { url: string; link: string };
  expect(url).toMatch(/^https:\/\/localhost:\d+$/);
  const ana = await ConsoleBrowser.of({ width: 1280, height: 800, ignoresCertificates: true });
  await ana.page.goto(link);
  await ana.goTo("work");
  await ana.type("echo network-$((6 * 7))");
  await ana.sees("network-42");
  expect(await ana.page.getByText("Not end to end").count()).toBe(0);
  expect(await held(w, "log", "work", "--kind", "attached")).not.toContain("e2e=false");
  // Chromium lets no worker be registered under a certificate that it was told to let pass, and says so: the page is then not kept.
  expect(ana.complaints.filter((said) => !said.includes("SSL certificate error"))).toEqual([]);
});

test("a host that lets no page in by a relay makes no link, and an invitation of another sort is not shown to a relay", async () => {
  const w = await world();
  const { page } = await serving(w, { allowPlain: false });
  const refused = await run(w, "console", "--by-relay");
  expect(refused).toMatchObject({ code: expect.not.stringMatching(/^0$/), err: expect.stringContaining("--allow-plain") });
  const native = (JSON.parse(await held(w, "operator", "invite", "--device", "--json")) as { invite: string }).invite;
  const ana = await ConsoleBrowser.of();
  await ana.page.goto(`${page}/#${native}`);
  await ana.page.getByRole("alert").waitFor();
  const open = await held(w, "invitation", "ls", "--json");
  expect(open).toContain('"open"');
});
