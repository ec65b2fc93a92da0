/** What a client has of the machine that it runs on: a clock, chance, and what a session that it opens is to inherit. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { MonotonicMs } from "@holdfast/core";
import type { Redial } from "../client/redial.ts";
import { Witness } from "../client/witness.ts";
import type { WitnessStore } from "../api/index.ts";
import type { Surroundings } from "../client/surroundings.ts";
import type { Way } from "../client/way.ts";
import { isSignedBy } from "./keys.ts";
import { hostIdOf } from "./known-hosts.ts";
import { exactDirectory, exactEnvironment } from "./exact.ts";

export function redialWith(connect: Way): Redial {
  return {
    connect,
    now: () => MonotonicMs(performance.now()),
    wallMs: () => Date.now(),
    wait: (ms, signal) => delay(ms, undefined, { ref: true, ...(signal ? { signal } : {}) }),
    newId: () => randomBytes(12).toString("hex"),
  };
}

/** Undefined or null: nothing is kept when the client is gone. */
export function witnessFor(store: WitnessStore | null | undefined): Witness {
  return new Witness({ store: store ?? null, isSigned: isSignedBy, hostIdOf, nowMs: () => performance.now() });
}

export function surroundings(): Surroundings {
  const mask = process.umask();
  return {
    env: exactEnvironment(),
    cwd: exactDirectory(),
    shell: process.env["SHELL"] || loginShell(),
    umask: mask,
    nofile: openFileLimits(),
  };
}

function loginShell(): string {
  try {
    return userInfo().shell || "/bin/sh";
  } catch {
    return "/bin/sh";
  }
}

/** Node raises its own soft limit, and its children's with it: what this process was started with is in its parent. */
function openFileLimits(): { soft: number; hard: number } | null {
  try {
    const line = readFileSync(`/proc/${process.ppid}/limits`, "utf8")
      .split("\n")
      .find((l) => l.startsWith("Max open files"));
    const [soft, hard] = (line ?? "").replace("Max open files", "").trim().split(/\s+/);
    const read = (text: string | undefined): number => (text === "unlimited" ? -1 : Number(text));
    return soft && hard && !Number.isNaN(read(soft)) ? { soft: read(soft), hard: read(hard) } : null;
  } catch {
    return null;
  }
}
