import type { Approval } from "@holdfast/sdk";
import { describe, expect, test } from "vitest";
import { hold, host, nowMs } from "../app/fake.ts";
import { approvalsText } from "../attach/status.ts";
import { approvalLines, argvText, deedText } from "./approval.ts";

const approval = (over: Partial<Approval> = {}): Approval => ({
  id: "k3j9x2aa",
  session: "01jdwork0000",
  sessionName: "work",
  deed: "keys",
  actor: "op-bot",
  actorName: "bot",
  onBehalfOf: ["op-ana"],
  state: "pending",
  by: "",
  reason: "",
  askedUnixMs: nowMs,
  expiresUnixMs: nowMs + 60_000,
  leftMs: 42_900,
  what: "types",
  argv: [],
  data: Buffer.from("make\r"),
  dataBytes: 5,
  cwd: "/home/ana",
  executable: null,
  env: [],
  epoch: 7,
  binding: new Uint8Array(32).fill(1),
  mayDecide: true,
  options: [],
  handoff: false,
  reads: null,
  ...over,
});
const names = async () => [{ id: "op-ana", name: "ana" }] as never;

describe("what a person sees of a request", () => {
  test("bytes, words and folders that could hide something are escaped, in a list and in full", () => {
    const sly = approval({
      data: Buffer.from(`${" ".repeat(5_000)}rm\rok\u202e`),
      dataBytes: 5_007,
      cwd: "/tmp/\u200bx",
      sessionName: "w\x1b[2J",
      actorName: "b\u043et",
      onBehalfOf: ["\u202e"],
      reason: "\n",
    });
    expect(deedText(sly)).toBe("\\{5000 blanks}rm\\rok\\u{202e}");
    const text = approvalLines(sly, (id) => id)
      .flat()
      .join("\n");
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text).toContain("(5007 bytes)");
  });
  test("words stay apart: a blank or a quote in one never reads as two", () => {
    expect(argvText(["sh", "-c", 'a "b"', "", "x\\y"])).toBe('sh -c "a \\"b\\"" "" "x\\\\y"');
  });
  test("what is not shown is counted", () => {
    const lines = approvalLines(
      approval({ deed: "files.write", what: "writes /x", data: Buffer.from("ab"), dataBytes: 4_096 }),
      (id) => id,
    );
    expect(lines.find(([key]) => key === "content")?.[1]).toBe("ab … and 4094 bytes more that are not shown here (4096 bytes)");
  });
  test("the text of a command in `run` is whole, whatever is in it", () => {
    expect(deedText(approval({ deed: "run", what: "runs in the session's shell: echo a: b && rm x" }))).toBe("echo a: b && rm x");
  });
});

describe("hold approvals", () => {
  const decided: unknown[] = [];
  const client = (list: readonly Approval[]) =>
    host({
      operatorList: names,
      approvals: {
        list: async () => list,
        allow: async (a: Approval) => {
          decided.push(["allow", a.id]);
          return { ...a, state: "allowed" };
        },
        deny: async (a: Approval, reason?: string) => {
          decided.push(["deny", a.id, reason]);
          return { ...a, state: "denied" };
        },
        answer: async (a: Approval, text: string) => {
          decided.push(["answer", a.id, text]);
          return { ...a, state: "answered" };
        },
        takeOver: async (a: Approval) => {
          decided.push(["take", a.id]);
          return { ...a, state: "handed" };
        },
        give: async (a: Approval, secret: Uint8Array) => {
          decided.push(["give", a.id, Buffer.from(secret).toString()]);
          return { ...a, state: "answered" };
        },
      } as never,
    });

  test("lists what waits, with the time that is left, and says where it is in full", async () => {
    const { out } = await hold("approvals", { client: client([approval(), approval({ id: "zz", mayDecide: false })]) });
    expect(out.lines[1]).toMatch(/^k3j9x2aa +42s +bot for ana +work +keys +make\\r$/);
    expect(out.lines[2]).toContain("others decide");
    const none = await hold("approvals", { client: client([]) });
    expect([none.code, none.out.text, none.err.text]).toEqual([0, "", "nothing waits for approval or an answer\n"]);
  });
  test("takes the beginning of an id, and refuses one that is several", async () => {
    decided.length = 0;
    const two = client([approval(), approval({ id: "k3zz" })]);
    expect((await hold("approvals allow k3", { client: two })).code).toBe(1);
    expect((await hold("approvals allow q", { client: two })).err.text).toContain("[no_such_approval]");
    expect(decided).toEqual([]);
    expect((await hold("approvals allow k3j", { client: two })).code).toBe(0);
    expect((await hold(["approvals", "deny", "k3z", "--reason", "not today"], { client: two })).code).toBe(0);
    expect(decided).toEqual([
      ["allow", "k3j9x2aa"],
      ["deny", "k3zz", "not today"],
    ]);
  });
  test("answers a question in words, by the number of an option, and by taking the floor; a secret is no argument", async () => {
    decided.length = 0;
    const question = client([approval({ deed: "question", what: "Which?\u202e", options: ["main", "next"], handoff: true })]);
    const answered = await hold("approvals answer k3 the other one", { client: question });
    expect(answered.out.text).toMatch(
      /asks +bot \(AI\), on behalf of ana\n(.*\n)*.*its words +"Which\?\\u\{202e\}"\n(.*\n)*.*2 {2}"next"/,
    );
    for (const [line, code] of [
      ["approvals answer k3 2", 0],
      ["approvals answer k3 7", 0],
      ["approvals answer k3 --take", 0],
      ["approvals answer k3", 2],
      ["approvals answer k3 yes --take", 2],
    ] as const)
      expect([line, (await hold(line, { client: question })).code]).toEqual([line, code]);
    const secret = client([approval({ deed: "secret", what: "the password", reads: 'sudo (7) at "password:"' })]);
    expect((await hold("approvals answer k3 hunter2", { client: secret })).code).toBe(2);
    const given = await hold("approvals answer k3", { client: secret, passphrase: "unseen" });
    expect(given.out.text).toContain('sudo (7) at "password:"');
    expect(given.out.text + given.err.text).not.toContain("unseen\n");
    expect((await hold("approvals answer k3 yes", { client: client([approval()]) })).code).toBe(2);
    expect(decided).toEqual([
      ["answer", "k3j9x2aa", "the other one"],
      ["answer", "k3j9x2aa", "next"],
      ["answer", "k3j9x2aa", "7"],
      ["take", "k3j9x2aa"],
      ["give", "k3j9x2aa", "unseen"],
    ]);
  });
  test("prints what is allowed before it is, and one object with --json", async () => {
    const { out } = await hold("approvals allow k3", { client: client([approval()]) });
    expect(out.text).toContain("exact bytes  make\\r (5 bytes)");
    const json = await hold("approvals allow k3 --json", { client: client([approval()]) });
    expect(JSON.parse(json.out.text)).toMatchObject({
      id: "k3j9x2aa",
      state: "allowed",
      bytes: "make\\r",
      onBehalfOf: [{ name: "ana" }],
    });
  });
});

test("the notice in an attached terminal tells who may decide, and who waits for somebody else", () => {
  expect(approvalsText(1, 0)).toBe("1 waits for approval or an answer: hold approvals");
  expect(approvalsText(3, 1)).toBe("3 wait for approval or an answer: hold approvals");
  expect(approvalsText(0, 2)).toContain("somebody's approval");
  expect(approvalsText(0, 0)).toBeNull();
});
