/**
 * Shell integration: how a session's own argv and environment are changed so that its shell tells where commands begin and end.
 *
 *   P1  No file of the user's is touched, and every file that his shell would have read is still read.
 *   P2  Only an interactive shell that we know is changed. Scripts, `-c`, other programs and unknown shells go through as they came.
 *   P3  The nonce travels in one variable that the script unsets before it runs anything of the user's.
 *
 * That a shell was prepared is a hope; that it is integrated is proven by its first mark (core/command).
 * Elsewhere: the scripts (scripts/), what is typed for `hold run` (wrap.ts), docs/shell-integration.md.
 */

export type Shell = "bash" | "zsh" | "fish" | "other";

export interface ShellRequest {
  readonly argv: readonly string[];
  /** `K=V`. */
  readonly env: readonly string[];
  /** Absolute path of the folder that holds `bash/`, `zsh/` and `fish/`. */
  readonly folder: string;
  /** 16 to 64 letters and digits, unguessable, one a session and incarnation. */
  readonly nonce: string;
  /**
   * Absolute path, in a folder that only the user enters, where the shell keeps its exported environment as of the last
   * prompt (`env -0`, mode 0600, replaced whole). Absent: not kept.
   */
  readonly environmentFile?: string;
}

export interface PreparedShell {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly shell: Shell;
  readonly integrated: boolean;
}

/** Switches integration off for a session: `HOLDFAST_SHELL_INTEGRATION=off` in its environment. */
const offSwitch = "HOLDFAST_SHELL_INTEGRATION";

export function prepareShell(request: ShellRequest): PreparedShell {
  const argv0 = request.argv[0] ?? "";
  const shell = shellOf(argv0);
  const untouched: PreparedShell = { argv: request.argv, env: request.env, shell, integrated: false };
  if (valueOf(request.env, offSwitch) === "off") return untouched;
  const call = {
    program: argv0.startsWith("-") ? argv0.slice(1) : argv0,
    login: argv0.startsWith("-"),
    args: request.argv.slice(1),
    request,
  };
  const change =
    shell === "bash" ? prepareBash(call) : shell === "zsh" ? prepareZsh(call) : shell === "fish" ? prepareFish(call) : null;
  if (!change) return untouched;
  const variables = {
    HOLDFAST_SHELL_NONCE: request.nonce,
    ...(request.environmentFile === undefined ? {} : { HOLDFAST_SHELL_ENVIRONMENT: request.environmentFile }),
    ...change.variables,
  };
  return { argv: [call.program, ...change.args], env: withVariables(request.env, variables), shell, integrated: true };
}

/** By the name it is called by: `/bin/bash`, `-zsh`. `sh` and `rbash` are others, whatever file they point to. */
export function shellOf(argv0: string): Shell {
  const name = argv0.slice(argv0.lastIndexOf("/") + 1).replace(/^-/, "");
  return name === "bash" || name === "zsh" || name === "fish" ? name : "other";
}

interface Call {
  /** Without the dash that marks a login shell. */
  readonly program: string;
  readonly login: boolean;
  readonly args: readonly string[];
  readonly request: ShellRequest;
}

interface Change {
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
}

/** bash reads `--rcfile` only where it is no login shell, so a login shell becomes one that reads the profiles through our file. */
function prepareBash({ login: loginName, args, request }: Call): Change | null {
  if (valueOf(request.env, "POSIXLY_CORRECT") !== undefined) return null;
  let login = loginName;
  let startup: "rc" | "none" = "rc";
  let profiles = true;
  let rcfile = "";
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const long = /^--?(login|norc|noprofile|rcfile|init-file|noediting|verbose)$/.exec(arg)?.[1];
    if (long === "login") login = true;
    else if (long === "norc") startup = "none";
    else if (long === "noprofile") profiles = false;
    else if (long === "rcfile" || long === "init-file") {
      const file = args[++i];
      if (file === undefined) return null;
      rcfile = file;
    } else if (long) kept.push(`--${long}`);
    else if (/^[-+][oO]$/.test(arg)) {
      const option = args[++i];
      if (option === undefined || option === "posix") return null;
      kept.push(arg, option);
    } else if (/^-[ilabefhkmnpuvxBCEHPT]+$/.test(arg) && !/[np]/.test(arg)) {
      if (arg.includes("l")) login = true;
      const rest = arg.replace(/[li]/g, "");
      if (rest !== "-") kept.push(rest);
    } else return null; // an operand, -c, -s, -r, --posix, --help, and what we do not know
  }
  return {
    args: [
      "--rcfile",
      `${request.folder}/bash/holdfast.bash`,
      ...kept.filter((a) => a.startsWith("--")),
      "-i",
      ...kept.filter((a) => !a.startsWith("--")),
    ],
    variables: {
      HOLDFAST_SHELL_STARTUP: login ? (profiles ? "login" : "none") : startup,
      ...(rcfile ? { HOLDFAST_SHELL_RCFILE: rcfile } : {}),
    },
  };
}

/** zsh reads `$ZDOTDIR/.zshenv` first. Ours gives ZDOTDIR back at once, so that zsh itself finds every other file of the user's. */
function prepareZsh({ login, args, request }: Call): Change | null {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (/^[-+]o$/.test(arg)) {
      i++;
      if (/^no_?rcs$/i.test(args[i] ?? "norcs")) return null;
    } else if (arg === "--login" || arg === "--interactive") continue;
    else if (!/^[-+][a-zA-Z]+$/.test(arg) || /[cfsntbo]/.test(arg)) return null;
  }
  const own = valueOf(request.env, "ZDOTDIR");
  return {
    args: login ? ["-l", ...args] : args,
    variables: { ZDOTDIR: `${request.folder}/zsh`, ...(own === undefined ? {} : { HOLDFAST_SHELL_ZDOTDIR: own }) },
  };
}

/** fish runs `-C` after the user's configuration. */
function prepareFish({ login, args, request }: Call): Change | null {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === "-C" || arg === "--init-command" || arg === "-f" || arg === "--features") i++;
    else if (!/^(-[ilNP]+|-C.+|--login|--interactive|--no-config|--private|--init-command=.*|--features=.*)$/s.test(arg))
      return null;
  }
  const script = `${request.folder}/fish/holdfast.fish`.replace(/[\\']/g, "\\$&");
  return { args: [...(login ? ["-l"] : []), ...args, "-C", `source '${script}'`], variables: {} };
}

/** The last of several wins, as in the environment of most programs. */
function valueOf(env: readonly string[], name: string): string | undefined {
  return env.findLast((item) => item.startsWith(`${name}=`))?.slice(name.length + 1);
}

function withVariables(env: readonly string[], variables: Readonly<Record<string, string>>): string[] {
  const names = new Set(Object.keys(variables));
  return [
    ...env.filter((item) => !names.has(item.slice(0, item.indexOf("=")))),
    ...Object.entries(variables).map(([k, v]) => `${k}=${v}`),
  ];
}
