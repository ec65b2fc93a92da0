import { describe, expect, test } from "vitest";
import { prepareShell } from "./prepare.ts";
import { commandText, quoteWords, wrapCommand } from "./wrap.ts";

const nonce = "0123456789abcdef";
const prepare = (argv: readonly string[], env: readonly string[] = ["HOME=/h"]) =>
  prepareShell({ argv, env, folder: "/f", nonce });
const typed = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString();

describe("an interactive shell is prepared", () => {
  test.each([
    [["bash"], ["bash", "--rcfile", "/f/bash/holdfast.bash", "-i"], "rc"],
    [["/usr/bin/bash", "-i"], ["/usr/bin/bash", "--rcfile", "/f/bash/holdfast.bash", "-i"], "rc"],
    [["-bash"], ["bash", "--rcfile", "/f/bash/holdfast.bash", "-i"], "login"],
    [["bash", "-l"], ["bash", "--rcfile", "/f/bash/holdfast.bash", "-i"], "login"],
    [["bash", "--login", "--noprofile"], ["bash", "--rcfile", "/f/bash/holdfast.bash", "-i"], "none"],
    [["bash", "--norc"], ["bash", "--rcfile", "/f/bash/holdfast.bash", "-i"], "none"],
    [
      ["bash", "-ilx", "-O", "extglob", "+o", "vi", "--noediting"],
      ["bash", "--rcfile", "/f/bash/holdfast.bash", "--noediting", "-i", "-x", "-O", "extglob", "+o", "vi"],
      "login",
    ],
  ])("%j", (argv, changed, startup) => {
    const { env, ...rest } = prepare(argv);
    expect(rest).toEqual({ argv: changed, shell: "bash", integrated: true });
    expect(env).toEqual(["HOME=/h", `HOLDFAST_SHELL_NONCE=${nonce}`, `HOLDFAST_SHELL_STARTUP=${startup}`]);
  });

  test("bash keeps a file that it was given", () => {
    expect(prepare(["bash", "--rcfile", "mine"]).env).toContain("HOLDFAST_SHELL_RCFILE=mine");
  });

  test("zsh by ZDOTDIR, with the user's own kept", () => {
    expect(prepare(["-zsh"], ["ZDOTDIR=/z"])).toEqual({
      argv: ["zsh", "-l"],
      shell: "zsh",
      integrated: true,
      env: [`HOLDFAST_SHELL_NONCE=${nonce}`, "ZDOTDIR=/f/zsh", "HOLDFAST_SHELL_ZDOTDIR=/z"],
    });
  });

  test("fish by a command after its configuration, whatever the folder is called", () => {
    expect(prepareShell({ argv: ["-fish", "-C", "echo mine"], env: [], folder: "/it's", nonce }).argv).toEqual([
      "fish",
      "-l",
      "-C",
      "echo mine",
      "-C",
      "source '/it\\'s/fish/holdfast.fish'",
    ]);
  });

  test("with a place for its environment", () => {
    expect(prepareShell({ argv: ["bash"], env: [], folder: "/f", nonce, environmentFile: "/run/env" }).env).toContain(
      "HOLDFAST_SHELL_ENVIRONMENT=/run/env",
    );
  });
});

describe("everything else goes through as it came", () => {
  test.each([
    [["bash", "-c", "ls"]],
    [["bash", "script.sh"]],
    [["bash", "-s"]],
    [["bash", "--posix"]],
    [["bash", "-o", "posix"]],
    [["bash", "-r"]],
    [["bash", "--version"]],
    [["bash", "--rcfile"]],
    [["bash", "-"]],
    [["bash", "--", "x"]],
    [["zsh", "-c", "ls"]],
    [["zsh", "-f"]],
    [["zsh", "script"]],
    [["zsh", "-o", "NO_RCS"]],
    [["zsh", "-ic", "ls"]],
    [["fish", "-c", "ls"]],
    [["fish", "script"]],
    [["fish", "--no-execute"]],
    [["sh"]],
    [["dash"]],
    [["rbash"]],
    [["-sh"]],
    [["/bin/nu"]],
    [["vim"]],
    [["python3", "-i"]],
    [["bash.exe"]],
  ])("%j", (argv) => {
    expect(prepare(argv)).toMatchObject({ argv, env: ["HOME=/h"], integrated: false });
  });
  test("a shell whose user switched it off, or who asked for POSIX", () => {
    expect(prepare(["bash"], ["HOLDFAST_SHELL_INTEGRATION=off"]).integrated).toBe(false);
    expect(prepare(["bash"], ["POSIXLY_CORRECT=1"]).integrated).toBe(false);
  });
});

describe("a command is typed", () => {
  test("as one paste and one Enter", () => {
    expect(typed(wrapCommand("bash", "echo a\r\necho b\n\n"))).toBe("\x1b[200~echo a\necho b\x1b[201~\r");
    expect(typed(wrapCommand("zsh", "ls"))).toBe("\x1b[200~ls\x1b[201~\r");
  });
  test("in fish with the key that asks whether it is complete, and its leading blanks in front", () => {
    expect(typed(wrapCommand("fish", "  ls"))).toBe("  \x1b[200~ls\x1b[201~\x1b\x1f\r");
  });
  test("key by key where the editor takes no paste", () => {
    expect(typed(wrapCommand("bash", "a\n\tb", { bracketedPaste: false }))).toBe("a\x16\n\x16\tb\r");
  });
  test("never if it holds what no typing can mean", () => {
    expect(wrapCommand("bash", "a\0b")).toBeNull();
    expect(wrapCommand("bash", "a\x1b[201~\rrm")).toBeNull();
  });
});

test("one word is shell text; several are quoted one by one", () => {
  expect(commandText("bash", ["ls | wc -l"])).toBe("ls | wc -l");
  expect(commandText("bash", ["echo", "a b", "it's", "", "$x", "~", "-n", "a=b", "é"])).toBe(
    "echo 'a b' 'it'\\''s' '' '$x' '~' -n 'a=b' 'é'",
  );
  expect(quoteWords("fish", ["it's", "back\\slash", "a\nb"])).toBe("'it\\'s' 'back\\\\slash' 'a\nb'");
});
