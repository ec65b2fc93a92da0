/**
 * The policy that is in force: the text as it was last loaded, and how it compares with the file that people write.
 *
 *   S1  What was loaded stays in force, over restarts too, letter for letter; the file's own changes are told of and not used.
 *   S2  Loading is durable before it is answered. A text that has something wrong with it is not loaded, and the old one stays.
 *   S3  What was in force and can't be read any more rules nothing out less strictly: then an AI may do nothing.
 *   S4  A text is saved over what its writer has read and over nothing else, neither in the file nor in force; it is the file first, so that a kill in
 *       between leaves a changed file, which is told of and not used.
 */
import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { type AiPolicy, closedPolicy, openPolicy } from "@holdfast/core";
import { HoldError } from "@holdfast/protocol";
import { storeDurably, storeTextDurably } from "../operator/store.ts";
import { readPolicy } from "./file.ts";

const MAX_FILE_BYTES = 1024 * 1024;

export interface InForce {
  /** Empty: none was ever loaded. */
  readonly text: string;
  readonly loadedUnixMs: number;
  readonly loadedBy: string;
}

/** The file against what is in force. `new`: there is one, and none was ever loaded. */
export type FileState = "same" | "changed" | "new" | "gone" | "none";

export interface PolicyPaths {
  readonly file: string;
  readonly inForce: string;
}

const NOTHING: InForce = { text: "", loadedUnixMs: 0, loadedBy: "" };

export class PolicyStore {
  readonly paths: PolicyPaths | null;
  #inForce: InForce;
  #policy: AiPolicy;
  /** Of S3. */
  readonly fault: string | null;

  private constructor(paths: PolicyPaths | null, inForce: InForce, policy: AiPolicy, fault: string | null) {
    this.paths = paths;
    this.#inForce = inForce;
    this.#policy = policy;
    this.fault = fault;
  }

  /** Null: there is no file, and nothing is ever loaded. */
  static open(paths: PolicyPaths | null): PolicyStore {
    if (paths === null) return new PolicyStore(null, NOTHING, openPolicy, null);
    try {
      const text = readIfThere(paths.inForce);
      if (text === null) return new PolicyStore(paths, NOTHING, openPolicy, null);
      const inForce = JSON.parse(text) as InForce;
      const read =
        typeof inForce.text === "string" ? readPolicy(inForce.text) : { ok: false as const, problems: ["it has no text"] };
      if (!read.ok) throw new Error(read.problems[0]);
      return new PolicyStore(paths, inForce, read.policy, null);
    } catch (cause) {
      const why = `${paths.inForce} can't be read (${(cause as Error).message}): AIs may do nothing until an admin loads a policy with: hold policy reload`;
      return new PolicyStore(paths, NOTHING, closedPolicy, why);
    }
  }

  /** In memory, this text in force. Throws for one that has something wrong with it. */
  static of(text: string): PolicyStore {
    const read = readPolicy(text);
    if (!read.ok) throw new HoldError("bad_request", read.problems.join("; "));
    return new PolicyStore(null, { text, loadedUnixMs: 0, loadedBy: "" }, read.policy, null);
  }

  get policy(): AiPolicy {
    return this.#policy;
  }

  get inForce(): InForce {
    return this.#inForce;
  }

  /** S2. Throws `bad_request` with everything that is wrong, and `no_such_file`. */
  load(by: string, nowUnixMs: number): InForce {
    if (!this.paths) throw new HoldError("unsupported", "this host has no policy file");
    const text = readOwn(this.paths.file);
    const read = readPolicy(text);
    if (!read.ok)
      throw new HoldError(
        "bad_request",
        `${this.paths.file} is not loaded, what was in force stays: ${read.problems.join("; ")}`,
        { path: this.paths.file },
      );
    return this.#take({ text, loadedUnixMs: nowUnixMs, loadedBy: by }, read.policy);
  }

  /** S4. Throws `file_changed`, `bad_request` with everything that is wrong, and what keeps the file from being read. */
  save(text: string, read: { readonly inForce: Uint8Array; readonly file: Uint8Array }, by: string, nowUnixMs: number): InForce {
    if (!this.paths) throw new HoldError("unsupported", "this host has no policy file");
    const checked = readPolicy(text);
    if (!checked.ok)
      throw new HoldError("bad_request", `it is not saved, what was in force stays: ${checked.problems.join("; ")}`);
    const { text: inForce, loadedBy } = this.#inForce;
    if (!isHashOf(read.inForce, inForce === "" ? null : inForce))
      throw new HoldError(
        "file_changed",
        `another policy is in force than the one that was read, loaded by ${loadedBy}: read it anew`,
      );
    if (!isHashOf(read.file, readOwnIfThere(this.paths.file)))
      throw new HoldError("file_changed", `${this.paths.file} is not what was read: somebody has changed it meanwhile`, {
        path: this.paths.file,
      });
    storeTextDurably(this.paths.file, text);
    return this.#take({ text, loadedUnixMs: nowUnixMs, loadedBy: by }, checked.policy);
  }

  /** Null: there is none, or it can't be read. */
  fileText(): string | null {
    try {
      return this.paths && readOwnIfThere(this.paths.file);
    } catch {
      return null;
    }
  }

  #take(inForce: InForce, policy: AiPolicy): InForce {
    storeDurably(this.paths!.inForce, inForce);
    this.#inForce = inForce;
    this.#policy = policy;
    return inForce;
  }

  /** S1. */
  compare(): FileState {
    let text: string | null;
    try {
      text = this.paths && readIfThere(this.paths.file);
    } catch {
      return "changed";
    }
    if (text === null) return this.#inForce.text === "" ? "none" : "gone";
    if (this.#inForce.text === "") return "new";
    return text === this.#inForce.text ? "same" : "changed";
  }

  /** What an admin should know; null: nothing. */
  notice(): string | null {
    if (this.fault && this.#policy === closedPolicy) return this.fault;
    const state = this.compare();
    if (state === "changed")
      return "policy.toml has changed since it was loaded, and what was loaded is in force: hold policy reload";
    if (state === "new") return "there is a policy.toml that was never loaded, and it is not in force: hold policy reload";
    if (state === "gone") return "policy.toml is gone; what was loaded from it is in force: hold policy show prints that";
    return null;
  }
}

export function hashOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Of a text that is not there: no bytes. */
function isHashOf(hash: Uint8Array, text: string | null): boolean {
  return text === null ? hash.length === 0 : hashOf(text).equals(hash);
}

function readOwnIfThere(path: string): string | null {
  return ifThere(() => readOwn(path));
}

/** Null: there is none. */
function readIfThere(path: string): string | null {
  return ifThere(() => readPlain(path));
}

function ifThere(read: () => string): string | null {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof HoldError && fault.code === "no_such_file") return null;
    throw fault;
  }
}

/** A file that others may write is not an admin's word. */
function readOwn(path: string): string {
  return readPlain(path, ({ mode, uid }) => {
    if (uid !== process.getuid?.() || (mode & 0o077) !== 0)
      throw new HoldError(
        "not_permitted",
        `${path} is not its owner's alone (uid ${uid}, mode ${(mode & 0o777).toString(8)}): look at what is in it, then chmod 600 it`,
        { path },
      );
  });
}

/** Whatever stands at the path in a file's place holds nobody up: it is read in the loop that moves everybody's bytes. */
function readPlain(path: string, check: (facts: Stats) => void = () => {}): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    if (code === "ENOENT")
      throw new HoldError("no_such_file", `there is no ${path}; hold policy edit makes one, hold policy reload loads it`, {
        path,
      });
    throw new HoldError("bad_request", `${path} can't be read (${code}): a plain file of the host's own user is meant`, { path });
  }
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile() || facts.size > MAX_FILE_BYTES)
      throw new HoldError("bad_request", `${path} is no plain file of a policy's size`, { path });
    check(facts);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}
