/** No AI is shown a secret that a session's programs have in their environment, whatever form it takes and however it is cut; people see all (T-56). */
import { writeFileSync } from "node:fs";
import { type HostClient, readJournal } from "@holdfast/sdk";
import { connect, connectThrough, files } from "@holdfast/sdk/node";
import { expect, test } from "vitest";
import { agent, hold } from "../../apps/mcp/test/agent.ts";
import { fact } from "./world/processes.ts";
import { bytes, type World, world } from "./world/world.ts";

const token = "Zq7/Xk+29vWb";
const key = [
  "-----BEGIN PRIVATE KEY-----",
  "Mz8Q2kPq0Vt5Rr1Yc7Wd3Sx",
  "Jh4Gf6Tb9Nn2Ll8Kk1Pp5Uu",
  "-----END PRIVATE KEY-----",
].join("\n");
const secrets = { DEPLOY_TOKEN: token, SIGNING_PRIVATE_KEY: key };

/** Every way in which a secret could be read from a text, blanks and escapes left out: none may be in what an AI is shown. */
function traces(text: string): string[] {
  const solid = text.replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x20]/g, "");
  const forms: [string, string][] = [];
  for (const [name, value] of Object.entries(secrets)) {
    for (const line of value.split("\n").filter((l) => !l.startsWith("-----"))) forms.push([name, line]);
    forms.push([`${name}, hex`, Buffer.from(value).toString("hex")]);
    for (const before of ["", "x", "xy"]) {
      const coded = Buffer.from(before + value).toString("base64");
      forms.push([`${name}, base64 at ${before.length}`, coded.slice(4, 14)]);
    }
  }
  return forms.filter(([, form]) => solid.toLowerCase().includes(form.slice(0, 24).toLowerCase())).map(([what]) => what);
}

interface Seen {
  readonly text: () => string;
  readonly masked: () => number;
}

/** What comes to somebody attached: the screen first, then output. */
async function attached(client: HostClient, session: string, mode: "snapshot" | "replay" = "snapshot"): Promise<Seen> {
  let text = "";
  let masked = 0;
  await client.attach(
    { session, observe: true, mode },
    {
      snapshot: (s) => void (text += `${Buffer.from(s.vt).toString()}${s.title}`),
      output: (o) => {
        text += Buffer.from(o.bytes).toString();
        masked += o.masked;
      },
    },
  );
  return { text: () => text, masked: () => masked };
}

const json = (value: unknown): string => JSON.stringify(value, (_, v) => (typeof v === "bigint" ? String(v) : v));
const withSecrets = (w: World) => ({ env: { ...w.env, ...secrets } });

/** The journal as its reader is shown it: what was printed, what was typed, and what is said of all else. */
async function recorded(client: HostClient, session: string): Promise<{ output: string; typed: string; said: string }> {
  const all = { output: "", typed: "", said: "" };
  for await (const entry of readJournal(client, session)) {
    if (entry.type === "output") all.output += Buffer.from(entry.bytes).toString();
    if (entry.type !== "event") continue;
    all.typed += Buffer.from(entry.event.data).toString();
    all.said += json(entry.event.body);
  }
  return all;
}

/** Everything that an AI can ask about a session's output, as text. */
async function asked(ai: HostClient, session: string): Promise<Record<string, string>> {
  const { vt, ...drawn } = await ai.screen(session, { vt: true, scrollback: 1_000 });
  return {
    ...(await recorded(ai, session)),
    screen: (await ai.screen(session, { scrollback: 1_000 })).lines.join("\n"),
    drawn: Buffer.from(vt).toString() + json(drawn),
    shown: json(await ai.show(session)),
    list: json(await ai.list({ all: true })),
    probe: json(await ai.probe(session)),
    search: json(await ai.search(session, ".*", { regex: true, limit: 1_000 })),
  };
}

test("T-56: a secret that is cut at any byte, each piece seen before the next is printed, is never shown to an AI", async () => {
  const w = await world();
  const admin = await w.connect();
  const ai = await w.operator("bot", "ai");
  // Prints what it is told to, a piece a line; `go` after each, so that the piece stands alone.
  const script = 'stty -echo; echo ready; while IFS= read -r piece; do printf "%b" "$piece"; printf "%s" "\x1b[0m" >&2; done';
  const { id } = await w.open(admin, { script, ...withSecrets(w), size: { cols: 20, rows: 100 } });
  await admin.wait(id, { match: "ready", fromSeq: 0 });
  const person = await attached(admin, id);
  const bot = await attached(ai, id);
  const parts = (at: number): string[] => [`<${at} ${token.slice(0, at)}`, `${token.slice(at)}>\\n`];
  for (let at = 1; at < token.length; at++) {
    for (const [i, part] of parts(at).entries()) {
      await admin.send(id, bytes(`${part}\n`), { take: true });
      const [, end] = [i, i === 0 ? token.slice(0, at) : `${token.slice(at)}>`];
      await fact(`a person sees ${part}`, () =>
        person
          .text()
          .replace(/\x1b\[0m|\r|\n/g, "")
          .endsWith(end),
      );
      if (i === 0) {
        // Whatever is waited for does not come with the rest.
        await fact("an AI has been shown what it will be", () => bot.text().includes(`<${at} `));
        expect(traces(bot.text())).toEqual([]);
        const { lines } = await ai.screen(id);
        expect(lines.join("")).not.toContain(token.slice(0, Math.max(4, at)));
      }
    }
  }
  await fact("all is shown", () =>
    bot
      .text()
      .replace(/\x1b\[0m|\r|\n/g, "")
      .endsWith(`*>`),
  );
  expect(traces(person.text())).toEqual(["DEPLOY_TOKEN"]);
  const shown = bot.text().replace(/\x1b\[0m|\r\n/g, "");
  for (let at = 1; at < token.length; at++) expect(shown).toMatch(new RegExp(`<${at} .{0,3}\\*{${token.length - 3},}>`));
  for (const [where, text] of Object.entries(await asked(ai, id))) expect([where, traces(text)]).toEqual([where, []]);
});

test("T-56: wrapped, coded, in a title, as a key of several lines: by every way of an AI not shown, and all else to the last byte", async () => {
  const w = await world();
  const admin = await w.connect();
  const ai = await w.operator("bot", "ai");
  const session = await w.open(admin, { ...withSecrets(w), size: { cols: 20, rows: 30 } });
  const person = await attached(admin, session.id, "replay");
  const bot = await attached(ai, session.id, "replay");
  const commands = [
    'echo "plain text, 0 to 9, and $DEPLOY_TOKEN in it"',
    'printf %s "$DEPLOY_TOKEN" | base64; printf x%s "$DEPLOY_TOKEN" | base64; printf xy%s "$DEPLOY_TOKEN" | base64',
    'printf %s "$DEPLOY_TOKEN" | od -An -tx1; printf %s "$DEPLOY_TOKEN" | od -An -tx1 | tr a-f A-F',
    "cat <<END\n$SIGNING_PRIVATE_KEY\nEND",
    'printf %s "$SIGNING_PRIVATE_KEY" | base64 -w 20; printf "%s" "$SIGNING_PRIVATE_KEY" | od -An -v -w8 -tx1',
    'printf "\\033]0;%s\\007" "$DEPLOY_TOKEN"; printf "\\033]52;c;%s\\007" "$(printf %s "$DEPLOY_TOKEN" | base64)"',
    'printf "\\033[31m%s\\033[0m\\n" "$(echo "$DEPLOY_TOKEN" | sed "s/./&\\x1b[1m/g")"',
    'printf "%s\\n" "${DEPLOY_TOKEN:0:5}" "${DEPLOY_TOKEN:5}"; env',
    `: ${token}`,
  ];
  let masked = 0;
  for (const text of commands) {
    let out = "";
    const result = await ai.run(session.id, { text }, { take: true, output: (b) => void (out += Buffer.from(b).toString()) });
    expect([text, result.state, result.code]).toEqual([text, "ended", 0]);
    expect([text, traces(out)]).toEqual([text, []]);
    masked += result.maskedBytes;
  }
  expect(masked).toBeGreaterThan(20 * token.length);
  await ai.run(session.id, { text: "echo f''in" });
  for (const who of [person, bot]) await fact("all is shown", () => /\x07fin\r/.test(who.text()));
  expect(traces(bot.text())).toEqual([]);
  expect(bot.masked()).toBeGreaterThan(masked / 2);
  // What differs are stars, and they stand where secrets were.
  const [seen, raw] = [bot, person].map((who) => who.text().slice(0, who.text().search(/\x07fin\r/))) as [string, string];
  expect(seen.length).toBe(raw.length);
  for (let i = 0; i < raw.length; i++) if (seen[i] !== raw[i]) expect(seen[i]).toBe("*");
  expect(seen.replace(/[\r\n]/g, "")).toContain(`plain text, 0 to 9, and ${"*".repeat(token.length)} in it`);
  expect(traces(raw)).toEqual(
    expect.arrayContaining([
      ...[
        "DEPLOY_TOKEN",
        "DEPLOY_TOKEN, hex",
        "DEPLOY_TOKEN, base64 at 0",
        "DEPLOY_TOKEN, base64 at 1",
        "DEPLOY_TOKEN, base64 at 2",
      ],
      ...["SIGNING_PRIVATE_KEY", "SIGNING_PRIVATE_KEY, hex", "SIGNING_PRIVATE_KEY, base64 at 0"],
    ]),
  );
  for (const [where, text] of Object.entries(await asked(ai, session.id))) expect([where, traces(text)]).toEqual([where, []]);
  // A pattern finds nothing that is not shown.
  expect(await ai.search(session.id, token)).toEqual([]);
  expect((await ai.wait(session.id, { match: "Zq7.Xk", fromSeq: 0, timeoutMs: 0 })).fired).toBe("timeout");
  expect((await admin.wait(session.id, { match: "Zq7.Xk", fromSeq: 0, timeoutMs: 0 })).fired).toBe("match");
  await admin.send(session.id, bytes(`${token}`), { take: true });
  for (const [where, text] of Object.entries(await asked(ai, session.id))) expect([where, traces(text)]).toEqual([where, []]);
  expect(traces((await ai.exec(session.id, ["env"], {})).cwd)).toEqual([]);
});

test("T-56: the tools of `hold mcp` show no secret, say once that they do not, and give the bytes of all else", async () => {
  const w = await world();
  const admin = await w.connect();
  const { id: session } = await w.open(admin, { name: "work", ...withSecrets(w), size: { cols: 20, rows: 30 } });
  const ai = await agent(w, "v2");
  const command = 'echo "so $DEPLOY_TOKEN"; cat <<END\n$SIGNING_PRIVATE_KEY\nEND\nprintf %s "$DEPLOY_TOKEN" | base64';
  const run = await ai.call("run", { session, command });
  expect(run.told).toMatchObject({ state: "finished", exit_code: 0, masked_note: expect.stringContaining("secrets") });
  expect(run.told["masked_bytes"]).toBe(token.length + 2 * 23 + 16);
  expect(run.told.output.text).toBe(
    `so ${"*".repeat(12)}\n-----BEGIN PRIVATE KEY-----\n${"*".repeat(23)}\n${"*".repeat(23)}\n-----END PRIVATE KEY-----\n${"*".repeat(16)}\n`,
  );
  const exec = await ai.call("exec", {
    session,
    argv: ["sh", "-c", 'echo "$DEPLOY_TOKEN"; echo "$DEPLOY_TOKEN" >&2; exec printenv'],
  });
  expect(exec.told).toMatchObject({ state: "finished", exit_code: 0, stdout: { text: expect.stringMatching(/^\*{12}\n/) } });
  const child = exec.told["session"] as string;
  const answers = [
    ...[run, exec],
    await ai.call("screen", { session, scrollback: 1_000 }),
    await ai.call("log", { session, max_bytes: 12_000 }),
    await ai.call("log", { session, view: "events", limit: 200 }),
    await ai.call("log", { session: child, max_bytes: 12_000 }),
    await ai.call("screen", { session: child }),
    await ai.call("search", { session, text: "so", regex: false }),
    await ai.call("wait", { session, pattern: "so .*", cursor: "0" }),
    await ai.call("session_list", { all: true }),
    await ai.call("run", { session, command: `sleep 0; : ${token}; (exit 3)` }),
  ];
  for (const { told, text, isError } of answers) expect([isError, traces(text), traces(json(told))]).toEqual([false, [], []]);
  expect(traces((await ai.call("search", { session, text: token })).text)).toEqual([]);
  const quiet = await ai.call("run", { session, command: "echo nothing to hide" });
  expect(quiet.told).not.toHaveProperty("masked_bytes");
  expect((await admin.screen(session, { scrollback: 1_000 })).lines.join("")).toContain(token);
});

test("what a shell has exported by its last prompt is a secret too, and stays one when it is unset, ended, and the host another", async () => {
  const w = await world();
  const admin = await w.connect();
  const ai = await w.operator("bot", "ai");
  const { id } = await w.open(admin);
  const [early, late] = ["Early+Secret+0123", "Late+Secret+45678"];
  const run = (text: string) => admin.run(id, { text });
  await run(`export A_TOKEN=${early}`);
  await run(`export A_TOKEN=${late}; echo 1 ${early}`);
  await run("unset A_TOKEN");
  await run(`echo 2 ${early} ${late}`);
  const shown = async (by: HostClient): Promise<string[]> => {
    const { output, said } = await recorded(by, id);
    return [early, late].filter((secret) => `${output}${said}`.replace(/\x1b\[[0-9;?]*[A-Za-z]|\s/g, "").includes(secret));
  };
  expect([await shown(ai), await shown(admin)]).toEqual([[], [early, late]]);
  // A running session's environment is read again; what a host before this one knew besides is gone with it.
  await run(`export B_TOKEN=${late}`);
  await w.killHost();
  const again = await w.connect("bot");
  expect(await shown(again)).toEqual([early]);
  const boss = await w.connect();
  await boss.kill(id, 0);
  expect(await shown(again)).toEqual([early]);
  // Of one that ended before there was this host, what others have is taken for likely.
  await w.open(boss, { command: ["sleep", "1000"], env: { ...w.env, C_TOKEN: early } });
  await w.killHost();
  expect(await shown(await w.connect("bot"))).toEqual([late]);
});

test("through a bridge an AI is given no secret of the environment over there, and a person is", async () => {
  const w = await world();
  await w.operator("bot", "ai");
  const variables = { HOLDFAST_HOME: w.env["HOLDFAST_HOME"], FAR: "away", DEPLOY_TOKEN: token };
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  for (const [as, sees] of [
    [["--as", "bot"], "away "],
    [[], `away ${token}`],
  ] as const) {
    const far = await connectThrough({ argv: ["env", "-C", w.files, ...given, hold, ...as, "attach", "--carrier", "stdio"] });
    w.atEnd(() => far.close());
    const { session } = await far.open({ command: ["bash", "-c", 'echo "<$FAR $DEPLOY_TOKEN>"; exec sleep 1000'] });
    expect((await far.wait(session.id, { match: "^<.*>$", fromSeq: 0 })).text).toBe(`<${sees}>`);
  }
});

test("by another carrier, and in requests of HTTP, an AI is shown no more than here", async () => {
  const w = await world({ starts: false });
  const at = await w.listenForAll();
  const ai = await w.operator("bot", "ai");
  const { id } = await w.open(await w.connect(), {
    script: 'for i in 1 2 3; do echo "$i $DEPLOY_TOKEN"; done; echo done; exec cat',
    ...withSecrets(w),
  });
  await ai.wait(id, { match: "^done", fromSeq: 0 });
  const stars = `3 ${"*".repeat(token.length)}`;
  for (const carrier of ["websocket", "http"] as const) {
    const far = await connect({ url: at(carrier), carriers: [carrier], home: w.home, as: "bot", timeoutMs: 60_000 });
    w.atEnd(() => far.close());
    const all = await asked(far, id);
    for (const [where, text] of Object.entries(all)) expect([carrier, where, traces(text)]).toEqual([carrier, where, []]);
    expect([all["output"], all["screen"]]).toEqual([expect.stringContaining(stars), expect.stringContaining(stars)]);
  }
  const Authorization = `Bearer ${await ai.grant()}`;
  const base = at("websocket").replace(/^ws/, "http");
  const body = JSON.stringify({ session: id });
  const headers = { Authorization, "Content-Type": "application/json" };
  const screen = await (await fetch(`${base}/v1/call/screen`, { method: "POST", headers, body })).text();
  expect([screen.includes(stars), traces(screen)]).toEqual([true, []]);
  const events = await fetch(`${base}/v1/sessions/${id}/events?replay&observe`, { headers });
  let text = "";
  let printed = "";
  for await (const part of events.body!) {
    text += Buffer.from(part).toString();
    const data = [...text.matchAll(/"data":"([^"]*)"/g)].map(([, base64]) => Buffer.from(base64!, "base64").toString());
    printed = data.join("");
    if (printed.includes("done")) break;
  }
  expect([printed.includes(`1 ${"*".repeat(token.length)}`), traces(printed)]).toEqual([true, []]);
});

test("the policy says which names are secret: others, at once; none, and everything is shown; what is no list is not loaded", async () => {
  const w = await world();
  const admin = await w.connect();
  const ai = await w.operator("bot", "ai");
  const { id } = await w.open(admin, {
    script: 'echo "$DEPLOY_TOKEN and $OTHER_NAME"; exec cat',
    env: { ...w.env, ...secrets, OTHER_NAME: "Other+Value+1" },
  });
  await admin.wait(id, { match: "and", fromSeq: 0 });
  const line = async (): Promise<string> => (await ai.screen(id)).lines[0]!;
  const load = async (text: string): Promise<unknown> => {
    writeFileSync(files.policy(w.home), `version = 1\n[ai]\notherwise = "allow"\n${text}`, { mode: 0o600 });
    return admin.policyReload();
  };
  expect(await line()).toBe(`${"*".repeat(12)} and Other+Value+1`);
  await load('[secrets]\nnames = ["other_*"]');
  expect(await line()).toBe(`${token} and ${"*".repeat(13)}`);
  await load("[secrets]\nnames = []");
  expect(await line()).toBe(`${token} and Other+Value+1`);
  await expect(load('[secrets]\nnames = ["*"]')).rejects.toThrow(/\[secrets\] names is .*names of variables are meant/);
  expect(await admin.policyCheck('version = 1\n[secrets]\nname = ["A"]')).toEqual([
    expect.stringContaining('there is no key "name"'),
  ]);
  expect(await line()).toBe(`${token} and Other+Value+1`);
});
