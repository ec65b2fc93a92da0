import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { channelOf, codePointsBefore, frames, headOf, json, parsed, request, type Sign, unframed, unitsBefore } from "./index.ts";

const operator = { id: "op-ana", name: "ana", kind: "human", via: "page" };
const sign: Sign = (parts) => parts.reduce((hmac, part) => hmac.update(part), createHmac("sha256", "a key")).digest("hex");
const base = {
  msgId: "m1",
  msgType: "execute_request",
  session: "s1",
  operator,
  date: "2026-11-28T12:00:00.000Z",
  content: { code: "1" },
};
const bytes = (text: string) => new TextEncoder().encode(text);

test("a header that a client forged leaves with the host's name, operator, id and session, and keeps what else it said", () => {
  const clientHeader = { username: "root", operator: { id: "op-boss" }, session: "another", msg_id: "old", subshell_id: "sub-1" };
  const header = parsed(request({ ...base, clientHeader }).header);
  expect(header).toEqual({
    msg_id: "m1",
    msg_type: "execute_request",
    session: "s1",
    username: "ana",
    date: base.date,
    version: "5.3",
    operator,
    subshell_id: "sub-1",
  });
});

test("a message is signed over its four texts as Jupyter signs it", () => {
  const [delimiter, signature, ...texts] = frames(
    { header: bytes('{"msg_id":"1"}'), parent: bytes("{}"), metadata: bytes("{}"), content: bytes("{}"), buffers: [bytes("b")] },
    (parts) => parts.reduce((hmac, part) => hmac.update(part), createHmac("sha256", "k")).digest("hex"),
  );
  expect(new TextDecoder().decode(delimiter)).toBe("<IDS|MSG>");
  // What jupyter_client 7.4.9 gives: Session(key=b"k").sign([b'{"msg_id":"1"}', b"{}", b"{}", b"{}"]).
  expect(new TextDecoder().decode(signature)).toBe("534fe591f01ce5175d32194c68f23c62f1546e739d197d288677cb9d6c52d0dc");
  expect(texts).toHaveLength(5);
});

test("whatever stands before the delimiter, a message is read; a changed byte of a text, a missing key or frame is told apart", () => {
  const sent = frames(request(base), sign);
  const changed = sent.map((part, i) => (i === 5 ? bytes('{"code":"2"}') : part));
  expect(unframed([bytes("kernel.1.status"), bytes(""), ...sent], sign)).toEqual({ ok: true, message: request(base) });
  expect(unframed(changed, sign)).toEqual({ ok: false, fault: "bad_signature" });
  expect(unframed(sent, null)).toEqual({ ok: false, fault: "bad_signature" });
  expect(unframed(sent.slice(0, 5), sign)).toEqual({ ok: false, fault: "too_few_frames" });
  expect(unframed(sent.slice(1), sign)).toEqual({ ok: false, fault: "no_delimiter" });
  expect(unframed(frames(request(base), null), null)).toEqual({ ok: true, message: request(base) });
});

test("what is no header is none, and fields that nobody knows are no fault", () => {
  expect(headOf(bytes("[]"))).toBeNull();
  expect(headOf(bytes('{"msg_id":"1"}'))).toBeNull();
  expect(headOf(new Uint8Array([0xff]))).toBeNull();
  expect(headOf(json({ msg_id: "1", msg_type: "t", new: [1] }))).toEqual({ msgId: "1", msgType: "t", session: "" });
});

test("each request has its channel", () => {
  expect(
    ["execute_request", "comm_msg", "interrupt_request", "debug_request", "shutdown_request", "input_reply"].map(channelOf),
  ).toEqual(["shell", "shell", "control", "control", "control", "stdin"]);
});

test("a cursor is counted in code points, and back", () => {
  const text = "a😀b\ud800c";
  expect([0, 1, 3, 4, 5, 6].map((units) => codePointsBefore(text, units))).toEqual([0, 1, 2, 3, 4, 5]);
  expect([0, 1, 2, 3, 4, 5, 99].map((points) => unitsBefore(text, points))).toEqual([0, 1, 3, 4, 5, 6, 6]);
});
