/** Users with rc files of their own: their hooks, prompts and options work as without us, and so do we. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type SessionOptions, type ShellName, ShellSession } from "./shell-session.ts";

vi.setConfig({ testTimeout: 15_000 });

let session: ShellSession;
afterEach(() => session?.close());
const open = async (shell: ShellName, options?: SessionOptions) => (session = await ShellSession.open(shell, options));
const log = () => readFileSync(join(session.home, "log"), "utf8").trim().split("\n");
const works = async (output = "works\r\n", text = "echo works; sh -c 'exit 3'") => {
  expect(await session.run(text)).toMatchObject({ exit: 3, output, outcome: "prompt" });
  await session.until(() => session.state.phase === "editing");
};

/** The heart of bash-preexec 0.5, which iTerm2, atuin, starship and others build on. */
const bashPreexec = `
__bp_in_prompt_command() {
  local array IFS=$'\\n;' command
  read -rd '' -a array <<< "\${PROMPT_COMMAND[*]:-}"
  for command in "\${array[@]:-}"; do
    command="\${command#"\${command%%[![:space:]]*}"}"
    if [[ "\${command%"\${command##*[![:space:]]}"}" == "$1" ]]; then return 0; fi
  done
  return 1
}
__bp_precmd_invoke_cmd() { local ret=$?; echo "precmd $ret" >> ~/log; return $ret; }
__bp_interactive_mode() { __bp_preexec_interactive_mode="on"; }
__bp_preexec_invoke_exec() {
  if [[ -z "\${__bp_preexec_interactive_mode:-}" ]]; then return; fi
  if [[ 0 -eq "\${BASH_SUBSHELL:-}" ]]; then __bp_preexec_interactive_mode=""; fi
  if __bp_in_prompt_command "\${BASH_COMMAND:-}"; then __bp_preexec_interactive_mode=""; return; fi
  echo "preexec $BASH_COMMAND" >> ~/log
}
__bp_install() {
  if [[ "\${PROMPT_COMMAND[*]:-}" == *"__bp_precmd_invoke_cmd"* ]]; then return 1; fi
  trap '__bp_preexec_invoke_exec "$_"' DEBUG
  local existing="\${PROMPT_COMMAND:-}"
  existing="\${existing//__bp_install/:}"
  PROMPT_COMMAND='__bp_precmd_invoke_cmd'
  PROMPT_COMMAND+=\${existing:+$'\\n'$existing}
  PROMPT_COMMAND+=('__bp_interactive_mode')
  __bp_precmd_invoke_cmd
  __bp_interactive_mode
}
PROMPT_COMMAND="\${PROMPT_COMMAND:+$PROMPT_COMMAND; }__bp_install"
`;

describe("bash", () => {
  test.each([
    ["a PROMPT_COMMAND string", `PROMPT_COMMAND='echo "pc $?" >> ~/log'`],
    ["a PROMPT_COMMAND list", `PROMPT_COMMAND=('echo "pc $?" >> ~/log' true)`],
    ["a PROMPT_COMMAND that draws the prompt", `draw() { echo "pc $?" >> ~/log; PS1="[$?] > "; }; PROMPT_COMMAND=draw`],
    // Then the prompt itself tells the end, after bash has switched bracketed paste on.
    [
      "a PROMPT_COMMAND that cannot be changed",
      `PROMPT_COMMAND='echo "pc $?" >> ~/log'; readonly PROMPT_COMMAND`,
      "works\r\n\x1b[?2004h",
    ],
  ])("%s still sees every exit", async (_, rc, output?: string) => {
    await open("bash", { home: { ".bashrc": rc } });
    await works(output);
    await session.run("false");
    await session.until(() => session.state.phase === "editing");
    expect(log()).toEqual(["pc 0", "pc 3", "pc 1"]);
  });

  test("$? and PIPESTATUS at the prompt are the command's", async () => {
    await open("bash", { home: { ".bashrc": "PROMPT_COMMAND='false | true | false'" } });
    await session.run("sh -c 'exit 5' | sh -c 'exit 6' | sh -c 'exit 7'");
    expect(await session.run(`echo "$? \${PIPESTATUS[*]}"`)).toMatchObject({ output: "7 5 6 7\r\n" });
    await session.run("sh -c 'exit 5' | sh -c 'exit 6'");
    expect(await session.run(`echo "\${PIPESTATUS[*]} $?"`)).toMatchObject({ output: "5 6 6\r\n" });
    await session.run("echo last word");
    expect(await session.run(`echo "$_"`)).toMatchObject({ output: "word\r\n" });
  });

  test.each([
    "set -u",
    "set -x; PS4=",
    "IFS=ax0123456789",
    "set -f",
    "set -a",
    "shopt -u promptvars",
    "shopt -s extdebug",
    "set -o noclobber",
    "shopt -s nullglob failglob",
    "set -o vi",
    "HISTCONTROL=ignoreboth:erasedups",
    "HISTTIMEFORMAT='%F %T '",
    "set +o history",
    "alias printf=false local=false builtin=false echo='echo'",
    "unset PS2 PS0",
    "PROMPT_COMMAND=()",
    "LC_ALL=C",
    "exec 3>/dev/null 2>&1",
    "shopt -s checkwinsize cmdhist lithist",
    "trap 'true' DEBUG",
    "trap 'true' ERR EXIT RETURN",
    "TMOUT=100",
  ])("works under: %s", async (setting) => {
    await open("bash", { home: { ".bashrc": setting } });
    const trace = setting.startsWith("set -x") ? "echo works\r\nworks\r\nsh -c 'exit 3'\r\n" : undefined;
    await works(trace);
    await works(trace);
  });

  test("set -e ends the shell at the failing command and not at one of ours", async () => {
    await open("bash", { home: { ".bashrc": "set -e" } });
    expect(await session.run("echo fine")).toMatchObject({ exit: 0, output: "fine\r\n" });
    expect(await session.run("sh -c 'exit 3'")).toMatchObject({ exit: 3, outcome: "session_exit" });
  });

  test.each([
    "set -eu",
    "set -x",
    "PS1='new> '",
    "PROMPT_COMMAND='true'",
    "PROMPT_COMMAND=(true true)",
    "PS0='[run]'; PS2='more '",
    "IFS=:",
    "exec 5>&1",
    "trap - DEBUG",
    "alias echo='echo'",
  ])("typed at the prompt, leaves us working: %s", async (text) => {
    await open("bash");
    await session.run(text);
    const { output } = await session.run("echo works");
    expect(output).toContain("works\r\n");
    await session.run("true");
    expect((await session.run("true && (exit 4) || true")).exit).toBe(0);
  });

  test("bash-preexec runs its hooks once a command and never for ours", async () => {
    await open("bash", { home: { ".bashrc": bashPreexec } });
    await works();
    await session.run("false");
    session.type("\r");
    const ready = session.marks.length;
    await session.until(() => session.marks.length > ready + 3 && session.state.phase === "editing");
    await works();
    const lines = log();
    expect(lines.filter((l) => l.startsWith("preexec"))).toEqual(["preexec echo works", "preexec false", "preexec echo works"]);
    expect(lines.filter((l) => l.startsWith("precmd"))).toEqual(["precmd 0", "precmd 3", "precmd 1", "precmd 1", "precmd 3"]);
  });

  test("a prompt that sets PS0 and PS1 each time, as starship does, keeps both", async () => {
    await open("bash", { home: { ".bashrc": `n=0; draw() { PS1="<$((++n))> "; PS0='(go)'; }; PROMPT_COMMAND=draw` } });
    await works();
    await works();
    expect(session.text()).toContain("<3> ");
    expect(session.text().match(/\(go\)\x1b\]633;hold;C/g)).toHaveLength(2);
  });

  test("a virtual environment's activate and deactivate leave the prompt as it was", async () => {
    await open("bash", { home: { ".bashrc": "PS1='base> '" } });
    await session.run(`old=$PS1; PS1="(venv) $PS1"`);
    await session.until(() => session.state.phase === "editing");
    await session.run(`PS1=$old`);
    await works();
    expect(session.text(session.marks.at(-2)?.startOffset)).toMatch(/^\x1b\]633;hold;A;\w+;\d+;\d+\x07base> \x1b\]633;hold;B/);
  });

  test("a history that leaves lines out yields no wrong text", async () => {
    await open("bash", { home: { ".bashrc": "HISTCONTROL=ignoreboth" } });
    await session.run("echo kept");
    await session.run(" echo hidden");
    expect(session.state.last).toMatchObject({ text: null, exit: 0 });
  });

  test("--norc, --rcfile and an exported PS1 do what they say", async () => {
    await open("bash", { argv: ["bash", "--norc", "-i"], home: { ".bashrc": "echo never" } });
    await works();
    expect(session.text()).not.toContain("never");
    session.close();
    await open("bash", {
      argv: ["/bin/bash", "--rcfile", "mine", "-il"],
      home: { mine: "echo never", ".profile": "export PS1='p> '; echo login" },
    });
    expect(session.text()).toMatch(/^login/);
    expect(await session.run("bash --norc -ic 'echo in; (exit 3)'")).toMatchObject({ exit: 3, output: "in\r\n" });
  });
});

describe("zsh", () => {
  test("ZDOTDIR, as set before or by .zshenv, is the user's own for every file and every child", async () => {
    await open("zsh", {
      home: {
        ".zshenv": "export ZDOTDIR=$HOME/z",
        "z/.zshrc": "HISTFILE=$ZDOTDIR/history; echo rc",
        "z/.zprofile": "echo profile",
      },
      argv: ["zsh", "-l"],
    });
    expect(session.text()).toMatch(/^profile\r\nrc\r\n/);
    expect(await session.run("zsh -c 'echo $ZDOTDIR'; echo $HISTFILE")).toMatchObject({
      output: `${session.home}/z\r\n${session.home}/z/history\r\n`,
    });
    session.close();
    await open("zsh", { env: { ZDOTDIR: "/nowhere" } });
    expect(await session.run("echo $ZDOTDIR")).toMatchObject({ output: "/nowhere\r\n" });
    session.close();
    await open("zsh");
    expect(await session.run("echo ${ZDOTDIR-unset}")).toMatchObject({ output: "unset\r\n" });
  });

  test("precmd, preexec and hooks of the user's see every command and exit", async () => {
    await open("zsh", {
      home: {
        ".zshrc": `precmd() { print "precmd $?" >> ~/log }; preexec() { print "preexec $1" >> ~/log }
autoload -Uz add-zsh-hook; hook() { print "hook $?" >> ~/log }; add-zsh-hook precmd hook`,
      },
    });
    await works();
    expect(log()).toEqual(["precmd 0", "hook 0", "preexec echo works; sh -c 'exit 3'", "precmd 3", "hook 3"]);
  });

  test.each([
    "setopt err_return no_unset",
    "set -u",
    "setopt ksh_arrays",
    "setopt sh_word_split glob_subst",
    "setopt xtrace; PS4=",
    "setopt prompt_subst prompt_bang",
    "unsetopt prompt_sp",
    "unsetopt prompt_cr",
    "setopt no_clobber",
    "IFS=ax0",
    "bindkey -v",
    "setopt all_export",
    "PROMPT_EOL_MARK=''",
    "PROMPT_EOL_MARK='%S!%s'",
    "alias print=false local=false emulate=false",
    "setopt no_function_argzero posix_argzero",
    "setopt extended_glob null_glob",
    "zle-line-init() { : }; zle -N zle-line-init",
    "autoload -Uz add-zle-hook-widget; mine() { : }; add-zle-hook-widget line-init mine",
    "autoload -Uz bracketed-paste-magic url-quote-magic; zle -N bracketed-paste bracketed-paste-magic; zle -N self-insert url-quote-magic",
    "TRAPDEBUG() { : }",
    "TRAPEXIT() { : }",
    "RPROMPT='right'",
    'precmd() { PROMPT="<$?> " }',
    "setopt hist_ignore_space hist_ignore_all_dups",
    "autoload -Uz promptinit; promptinit; prompt adam1",
    "PS1=$'two\\nlines> '",
    "unset zle_bracketed_paste",
  ])("works under: %s", async (setting) => {
    await open("zsh", { home: { ".zshrc": setting } });
    const output = setting.startsWith("setopt xtrace") ? "echo works\r\nworks\r\nsh -c 'exit 3'\r\n" : undefined;
    await works(output);
    await works(output);
    expect(await session.run("printf 'no newline'")).toMatchObject({
      exit: 0,
      output: setting.startsWith("setopt xtrace") ? "printf 'no newline'\r\nno newline" : "no newline",
    });
  });

  test("set -e ends the shell at the failing command and not at one of ours", async () => {
    await open("zsh", { home: { ".zshrc": "setopt err_exit" } });
    expect(await session.run("echo fine")).toMatchObject({ exit: 0, output: "fine\r\n" });
    expect(await session.run("sh -c 'exit 3'")).toMatchObject({ exit: 3, outcome: "session_exit" });
  });

  test("PROMPT_EOL_MARK is the user's again at the prompt", async () => {
    await open("zsh", { home: { ".zshrc": "PROMPT_EOL_MARK='<eol>'" } });
    await session.run("printf x");
    await works();
    expect(session.text()).toContain("<eol>");
    await session.run("PROMPT_EOL_MARK='<new>'");
    await session.run("printf x");
    await works();
    expect(session.text()).toContain("<new>");
  });
});

describe("fish", () => {
  test("functions on the user's events and prompts of his own still run", async () => {
    await open("fish", {
      home: {
        ".config/fish/config.fish": `
function fish_prompt; echo -n "mine> "; end
function post --on-event fish_postexec; echo "post $status" >> ~/log; end
function pre --on-event fish_preexec; echo "pre $argv" >> ~/log; end`,
      },
    });
    await works();
    expect(session.text()).toContain("mine> ");
    expect(log()).toEqual(["pre echo works; sh -c 'exit 3'", "post 3"]);
  });

  test.each([
    "fish_vi_key_bindings",
    "function fish_title; end",
    "function fish_title; echo 'my title'; end",
    "set -U fish_greeting",
    "alias echo='echo'",
    "function fish_right_prompt; echo right; end",
    "set -gx TERM dumb",
    "set -g fish_escape_delay_ms 10",
    "bind \\r 'commandline -f execute'",
    "function fish_mode_prompt; end",
  ])("works under: %s", async (setting) => {
    await open("fish", { home: { ".config/fish/config.fish": setting } });
    await works();
    await works();
    expect(await session.run("echo 'open")).toMatchObject({ outcome: "incomplete" });
  });

  test("a leading blank keeps a command out of the history, as typed", async () => {
    await open("fish");
    await session.run(" echo secret");
    await session.run("echo known");
    expect((await session.run("history")).output).not.toContain("secret");
  });
});
