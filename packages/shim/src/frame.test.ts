/** Golden vectors: the bytes of each frame. Old ones are never edited; a new protocol version adds its own. */
import { expect, test } from "vitest";
import * as frame from "./frame.ts";
import type { ShimSpec } from "./link.ts";
import { encodeSpec } from "./spec.ts";

const hex = (b: Uint8Array) => Buffer.from(b).toString("hex");
const bytes = (s: string) => Buffer.from(s.replaceAll(" ", ""), "hex");

test.each([
  ["HELLO", frame.encodeHello([]), "10000000 01 00 0000 484c4631 0100 0100 00000000 00000000"],
  [
    "HELLO with an offset",
    frame.encodeHello([{ stream: 2, offset: 0x1122334455n }]),
    "20000000 01 00 0000 484c4631 0100 0100 00000000 01000000 02000000 00000000 5544332211000000",
  ],
  ["INPUT", frame.encodeInput(7n, 9, Buffer.from("hi")), "12000000 02 00 0000 0700000000000000 09000000 00000000 6869"],
  ["INTERRUPT", frame.encodeInterrupt(8n, "susp", 26), "10000000 03 00 0000 0800000000000000 02 1a 0000 00000000"],
  ["RESIZE", frame.encodeResize(9n, 132, 43, 1, 2), "10000000 04 00 0000 0900000000000000 8400 2b00 0100 0200"],
  ["SIGNAL", frame.encodeSignal(10n, "tree", 15), "10000000 05 00 0000 0a00000000000000 02 0f 0000 00000000"],
  ["EOF", frame.encodeEof(11n), "08000000 06 00 0000 0b00000000000000"],
  ["CANCEL", frame.encodeCancel(12), "04000000 07 00 0000 0c000000"],
  ["PROBE", frame.encodeProbe(13), "04000000 08 00 0000 0d000000"],
  [
    "ACK",
    frame.encodeAck({ streams: [{ stream: 1, offset: 5n }], resultSeq: 14n, exit: true }),
    "20000000 09 00 0000 03000000 01000000 0e00000000000000 01000000 00000000 0500000000000000",
  ],
  ["END_TREE", frame.encodeEndTree(5_000), "04000000 0a 00 0000 88130000"],
  ["RELEASE", frame.encodeRelease(), "00000000 0b 00 0000"],
  ["RESPAWN", frame.encodeRespawn(15n, "/a"), "0a000000 0c 00 0000 0f00000000000000 2f61"],
  ["SPAWN", frame.encodeSpawn("/b"), "02000000 41 00 0000 2f62"],
  ["STATUS", frame.encodeStatus(), "00000000 42 00 0000"],
])("%s is written as released", (_name, made, released) => {
  expect(hex(made)).toBe(released.replaceAll(" ", ""));
});

test("WELCOME is read as released", () => {
  const b = bytes(
    "0100 00 03 00000000 64000000 65000000 0102000000000000 5000 1800 02000000 65786563000000000000000000000000" +
      "0500000000000000 0400000000000000 01000000 00000000 00000000 00000000 1000000000000000 2000000000000000",
  );
  expect(frame.decodeWelcome(b)).toEqual({
    protocol: 1,
    mode: "pty",
    phase: "failed",
    shimPid: 100,
    pid: 101,
    pidStart: 513n,
    cols: 80,
    rows: 24,
    failure: { errno: "ENOENT", step: "exec" },
    receivedSeq: 5n,
    appliedSeq: 4n,
    streams: [{ stream: 0, start: 16n, end: 32n }],
  });
});

test("RESULT is read as released", () => {
  const b = bytes("0700000000000000 1000000000000000 00e1f50500000000 03000000 04 01 01 00");
  expect(frame.decodeResult(b)).toEqual({
    seq: 7n,
    outputOffset: 16n,
    timeNs: 100_000_000n,
    bytes: 3,
    status: "cut",
    refusal: "queue_full",
    secret: true,
  });
});

test("EXITED is read as released", () => {
  const times = "0100000000000000 0200000000000000 0300000000000000 0400000000000000 0500000000000000";
  const rest = { userUs: 1n, systemUs: 2n, maxRssKib: 3n, timeNs: 4n, wallMs: 5n };
  expect(frame.decodeExited(bytes(`07000000 00000000 00000000 00000000 ${times}`))).toEqual({
    code: 7,
    signal: null,
    core: false,
    ...rest,
  });
  expect(frame.decodeExited(bytes(`ffffffff 0b000000 01000000 00000000 ${times}`))).toEqual({
    code: null,
    signal: 11,
    core: true,
    ...rest,
  });
});

test("PROBED is read as released", () => {
  const head = "05000000 05000000 64000000 65000000 07000000 08000000 01000000 00000000";
  const process_ = `66000000 00000000 0300000000000000 53 00000000000000 636174${"00".repeat(13)} 6e5f7474795f72656164${"00".repeat(22)}`;
  expect(frame.decodeProbed(bytes(head + process_))).toEqual({
    token: 5,
    icanon: true,
    echo: false,
    isig: true,
    foregroundPgrp: 100,
    leaderPid: 101,
    kernelInputBytes: 7,
    queuedInputBytes: 8,
    processes: [{ pid: 102, comm: "cat", state: "S", wchan: "n_tty_read", syscall: 0, syscallArg0: 3 }],
  });
});

test("STARTED, ERROR, SPAWNED and STATUSED are read as released", () => {
  expect(frame.decodeStarted(bytes(`00000000 02000000 0000000000000000 65786563${"00".repeat(12)}`))).toEqual({
    pid: 0,
    pidStart: 0n,
    failure: { errno: "ENOENT", step: "exec" },
  });
  expect(frame.decodeError(bytes("0100 0000 6f6f7073"))).toEqual({ code: 1, text: "oops" });
  expect(frame.decodeSpawned(bytes(`64000000 00000000 ${"00".repeat(16)}`))).toEqual({ pid: 100, errno: 0, step: "" });
  expect(frame.decodeStatused(bytes("01000000 64000000 65000000 03000000 1000000000000000 0000000000000000"))).toEqual({
    protocol: 1,
    keeperPid: 100,
    hostPid: 101,
    hostStarts: 3,
    hostAgeMs: 16,
    restartInMs: 0,
  });
});

const spec: ShimSpec = {
  mode: "pty",
  argv: ["sh", "-l"],
  env: ["A=b"],
  cwd: "/c",
  cols: 80,
  rows: 24,
  umask: 0o22,
  socketPath: "/s",
};

test("a spec is written as released", () => {
  const head =
    "48465331 00000000 02000000 50000000 18000000 12000000 00004000 00000400 0a00000000000000 ffffffffffffffff 02000000 01000000 0000000000000000";
  const made = encodeSpec({ ...spec, nofile: { soft: 10, hard: -1 } });
  expect(hex(made)).toBe(head.replaceAll(" ", "") + hex(Buffer.from("/c\0/s\0sh\0-l\0A=b\0")));
});

test.each([
  [{ argv: [] }],
  [{ argv: ["a\0b"] }],
  [{ env: ["A=\0"] }],
  [{ cwd: "relative" }],
  [{ socketPath: "relative" }],
  [{ cols: 65_536 }],
  [{ umask: -1 }],
  [{ ringBytes: 1 }],
  [{ inputBytes: 1 }],
])("a spec that no shim would take is refused before it is written: %j", (wrong) => {
  expect(() => encodeSpec({ ...spec, ...wrong })).toThrow("[bad_spec]");
});

test("an input frame of more than 64 KiB is refused", () => {
  expect(() => frame.encodeInput(1n, 0, Buffer.alloc(65_537))).toThrow("[bad_request]");
});
