/** What every link across a network must hold: one client, one session, a wire that is cut and a host that is killed. */
import { InputStatus, type Session } from "@holdfast/protocol";
import type { HostClient, NetworkOptions } from "@holdfast/sdk";
import { connect } from "@holdfast/sdk/node";
import { expect } from "vitest";
import { fact } from "./processes.ts";
import type { World } from "./world.ts";

/** A client of the world's home that reaches its host by `url`, closed at the test's end. */
export async function reach(w: World, url: string, options: Partial<NetworkOptions> = {}): Promise<HostClient> {
  const client = await connect({ url, home: w.home, timeoutMs: 60_000, ...options });
  w.atEnd(() => client.close());
  return client;
}

/** A session that answers each line in angle brackets, and echoes nothing. */
export async function answering(w: World, by: HostClient, name = "far"): Promise<Session> {
  const session = await w.open(by, { name, script: 'stty -echo; while read -r line; do echo "<$line>"; done' });
  await fact("it echoes nothing", async () => !(await by.probe(session.id)).echo);
  return session;
}

/** Types 40 lines into {@link answering}, its wire cut twice and its host killed once meanwhile: each is applied, and answered once, in order. */
export async function steersThroughCuts(w: World, client: HostClient, cut: () => void): Promise<void> {
  let out = "";
  const resumed: boolean[] = [];
  const attachment = await client.attach(
    { session: "far", mode: "replay" },
    {
      output: ({ bytes }) => void (out += Buffer.from(bytes).toString()),
      link: (state, { resumed: again }) => void (state === "attached" && resumed.push(again)),
      // A busy machine may be without a link for more than 5 s: what is typed then goes out on its word.
      held: () => attachment.flushHeld(),
    },
  );
  const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`);
  for (const [i, text] of lines.entries()) {
    const told = attachment.input(Buffer.from(`${text}\n`));
    if (i === 10 || i === 20) cut();
    if (i === 30) await w.killHost();
    expect((await told).status).toBe(InputStatus.APPLIED);
  }
  await fact("all lines came back", () => out.includes("<line 39>"));
  expect(out.replaceAll("\r", "").trim().split("\n")).toEqual(lines.map((text) => `<${text}>`));
  expect(resumed.filter(Boolean).length).toBeGreaterThanOrEqual(3);
  await attachment.detach();
}
