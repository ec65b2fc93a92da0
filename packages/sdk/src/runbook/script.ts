/**
 * What a cell is to a shell: one line that is typed, and a file that it names.
 *
 *   T1  The line holds the cell's whole text in single quotes, where no shell expands anything (nor the history). So whoever is attached reads what runs, the
 *       journal has it under its operator, and an AI's policy is asked about it. The file has only what surrounds it.
 *   T2  The file is sourced at the top level, so what a cell declares is the shell's. `live` sources the cell there too; `contained` in a subshell, whose
 *       variables, functions, aliases and directory the shell takes over at its end, however that came; `program` hands a file to a program.
 *   T3  A line's number in an error is the line's in the cell.
 *   T4  Variables stand in the file alone, which removes itself before anything runs. Secret ones are the shell's while the cell runs, and not after it:
 *       they are in no line that is typed, no argument, and not in the environment that the shell tells at its prompt.
 * bash and zsh.
 */
export type CellShell = "bash" | "zsh";

export interface Surroundings {
  /** Absolute, on the session's machine: where this file lies. Characters as of {@link lineOf}. */
  readonly path: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Absolute; null: where the shell stands. Of a `live` cell the shell goes back afterwards. */
  readonly cwd: string | null;
}

export type Around =
  | { readonly kind: "live" | "contained" }
  | { readonly kind: "program"; readonly program: string; readonly args: readonly string[]; readonly extension: string };

export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** T1. The space keeps it out of histories that leave such lines out. `path` has letters, digits, `/`, `.`, `_` and `-` alone. */
export const lineOf = (path: string, script: string): string => ` . ${path} ${quoted(`\n${script}\n`)}`;

const assign = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).map(([name, value]) => `\\builtin export ${name}=${quoted(value)}`);

/** The file that {@link lineOf} names. */
export function surround(around: Around, shell: CellShell, given: Surroundings): string {
  const { path, variables, secrets } = given;
  const hidden = Object.keys(secrets);
  const head = [
    // The text begins with the line break that follows its quote.
    "__hold_cell=${1#?} __hold_rc=0",
    "\\builtin set --",
    ...(hasVariables(given) ? [`\\command rm -f -- ${quoted(path)}`] : []),
    ...assign(variables),
  ];
  const tail = [
    ...(hidden.length > 0 ? [`\\builtin unset -v ${hidden.join(" ")}`] : []),
    '\\builtin eval "\\builtin unset -v __hold_cell __hold_rc; \\builtin return $__hold_rc"',
    "",
  ];
  // A cell that took bash's hooks away would have what is printed before the next prompt for its own.
  const arrange = shell === "bash" ? ["\\builtin declare -F __hold_arrange >/dev/null && __hold_arrange 2>/dev/null"] : [];
  const middle = around.kind === "live" ? live(shell, given) : contained(around, shell, given);
  return [...head, ...middle, ...arrange, ...tail].join("\n");
}

export const hasVariables = ({ variables, secrets }: Pick<Surroundings, "variables" | "secrets">): boolean =>
  Object.keys(variables).length + Object.keys(secrets).length > 0;

const SOURCE = '\\builtin . /dev/fd/9 9<<<"$__hold_cell"';

/** The first command that fails ends the cell, as far as the shell tells: not inside of functions. */
function live(shell: CellShell, { path, secrets, cwd }: Surroundings): string[] {
  const there =
    cwd === null
      ? [SOURCE]
      : [`__hold_from=$PWD`, `if \\builtin cd -- ${quoted(cwd)}; then`, SOURCE, "else (\\builtin exit 1); fi"];
  const back = cwd === null ? [] : ['\\builtin cd -- "$__hold_from"', "\\builtin unset -v __hold_from"];
  // A shell that was interrupted in the middle has the trap at its top level, where there is nothing to return from.
  const trap =
    shell === "bash"
      ? [
          "__hold_err=$(\\builtin trap -p ERR)",
          `\\builtin trap '__hold_rc=$?; case \${BASH_SOURCE[0]-} in "") \\builtin trap - ERR ;; "${path}") ;; *) \\builtin return $__hold_rc ;; esac' ERR`,
        ]
      : ["\\builtin trap '\\builtin return $?' ERR"];
  const untrap =
    shell === "bash"
      ? ["\\builtin trap - ERR", '\\builtin eval "$__hold_err"', "\\builtin unset -v __hold_err"]
      : ["\\builtin trap - ERR"];
  return [...assign(secrets), ...trap, ...there, "__hold_rc=$?", ...untrap, ...back];
}

function contained(
  around: Exclude<Around, { kind: "live" }> | { readonly kind: "live" | "contained" },
  shell: CellShell,
  given: Surroundings,
): string[] {
  const { path, secrets, cwd } = given;
  const inside = [...assign(secrets), ...(cwd === null ? [] : [`\\builtin cd -- ${quoted(cwd)} || \\builtin exit 1`])];
  if (around.kind === "program") {
    const script = `${path}.${around.extension}`;
    const words = [around.program, ...around.args, script].map(quoted).join(" ");
    return [
      `(umask 077; \\builtin printf '%s' "$__hold_cell" > ${quoted(script)})`,
      ...["(", ...inside, `\\builtin exec ${words}`, ")"],
      ...["__hold_rc=$?", `\\command rm -f -- ${quoted(script)}`],
    ];
  }
  const state = `${path}.state`;
  const dump = shell === "bash" ? bashDump(Object.keys(secrets), state) : zshDump(Object.keys(secrets), state);
  return [
    ...["(", ...inside, ...dump],
    // What the shell would keep to itself is no part of what the cell sees.
    ...["\\builtin trap '__hold_rc=$?; __hold_dump; \\builtin exit $__hold_rc' EXIT"],
    ...["\\builtin set -e -o pipefail", SOURCE, ")"],
    "__hold_rc=$?",
    // Set, not asked: `[ -r ]` and `rm` say nothing to the shell's own status.
    `if [ -r ${quoted(state)} ]; then`,
    `\\builtin . ${quoted(state)} 2>/dev/null`,
    `\\command rm -f -- ${quoted(state)}`,
    "fi",
  ];
}

/** What is the shell's own, and what the cell was not to leave. */
const own = (secrets: readonly string[], more: readonly string[]): string =>
  [..."__hold_* _ PWD UID EUID PPID GROUPS RANDOM SECONDS LINENO COLUMNS LINES SHLVL".split(" "), ...more, ...secrets].join("|");

function bashDump(secrets: readonly string[], state: string): string[] {
  const skip = own(secrets, "BASH* COMP_* DIRSTACK EPOCH* FUNCNAME HISTCMD PIPESTATUS SHELLOPTS SRANDOM".split(" "));
  return [
    "__hold_vars=$(\\builtin compgen -v)",
    "__hold_dump() {",
    "\\builtin set +e +u +x; \\builtin local __hold_name IFS=$' \\t\\n'; \\builtin umask 077",
    "{",
    `for __hold_name in $(\\builtin compgen -v); do case $__hold_name in ${skip}) ;; *) \\builtin declare -p "$__hold_name" ;; esac; done`,
    `for __hold_name in $__hold_vars; do case $__hold_name in ${skip}) ;; *) \\builtin declare -p "$__hold_name" >/dev/null 2>&1 || \\builtin echo "\\\\builtin unset -v $__hold_name" ;; esac; done`,
    "\\builtin declare -f; \\builtin declare -xF; \\builtin alias -p",
    "\\builtin printf '\\\\builtin cd -- %q\\n' \"$PWD\"",
    `} > ${quoted(state)} 2>/dev/null`,
    "}",
  ];
}

function zshDump(secrets: readonly string[], state: string): string[] {
  const skip = own(secrets, []);
  return [
    "\\builtin zmodload zsh/parameter",
    "__hold_vars=(${(k)parameters})",
    "__hold_dump() {",
    "\\builtin emulate -L zsh; \\builtin umask 077; \\builtin local __hold_name",
    "{",
    `for __hold_name in \${(k)parameters}; do case $__hold_name in (${skip}) continue ;; esac`,
    "case ${parameters[$__hold_name]} in (*readonly*|*local*) ;;",
    '(*special*export*|*export*special*) \\builtin print -r -- "export $__hold_name=${(qq)${(P)__hold_name}}" ;;',
    "(*special*|*hide*) ;; (*) \\builtin typeset -p $__hold_name ;; esac; done",
    `for __hold_name in $__hold_vars; do case $__hold_name in (${skip}) continue ;; esac`,
    '(( ${+parameters[$__hold_name]} )) || \\builtin print -r -- "unset $__hold_name"; done',
    "\\builtin functions; \\builtin alias -L",
    '\\builtin print -r -- "cd -- ${(q)PWD}"',
    `} > ${quoted(state)} 2>/dev/null`,
    "}",
  ];
}

export interface Apart {
  /** Absolute, on the session's machine; removed when it has run. */
  readonly folder: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly extension: string;
  readonly script: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Absolute; null: where it is started. */
  readonly cwd: string | null;
}

/** A cell that runs beside the terminal: files of its folder by name, of which `/bin/sh FOLDER/run` is started. */
export function standalone({
  folder,
  program,
  args,
  extension,
  script,
  variables,
  cwd,
}: Apart): Readonly<Record<string, string>> {
  const name = `cell.${extension}`;
  const isBash = /(^|\/)(bash|zsh|ksh|mksh)$/.test(program);
  const isShell = isBash || /(^|\/)(sh|dash|ash)$/.test(program);
  const flags = isBash ? ["-e", "-o", "pipefail"] : isShell ? ["-e"] : [];
  const words = (script: string): string => [program, ...args, ...flags, script].map(quoted).join(" ");
  return {
    [name]: `${script}\n`,
    run: [
      `rm -f -- ${quoted(`${folder}/run`)}`,
      ...Object.entries(variables).map(([variable, value]) => `export ${variable}=${quoted(value)}`),
      ...(cwd === null ? [] : [`cd -- ${quoted(cwd)} || exit 1`]),
      // A shell reads what nothing leads to any more; others may ask for the file by its name and ending.
      ...(isShell
        ? [`exec 9<${quoted(`${folder}/${name}`)}`, `rm -rf -- ${quoted(folder)}`, `exec ${words("/dev/fd/9")}`]
        : [words(`${folder}/${name}`), `rc=$?; rm -rf -- ${quoted(folder)}; exit $rc`]),
      "",
    ].join("\n"),
  };
}
