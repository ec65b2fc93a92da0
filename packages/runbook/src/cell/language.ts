/** Languages as fences name them, and what runs each. */

/** What a shell reads: a cell of these runs in the document's session. */
const shells = new Set([
  "",
  "sh",
  "bash",
  "zsh",
  "ksh",
  "shell",
  "shellscript",
  "sh-raw",
  "bat",
  "cmd",
  "powershell",
  "pwsh",
  "fish",
]);
/** Transcripts by the names that other tools give them. */
const transcripts = new Set(["console", "shell-session", "shellsession", "terminal"]);

export const isShell = (language: string): boolean => shells.has(language) || transcripts.has(language);

/** Programs for a language, best first, each with its arguments. */
const programs: Readonly<Record<string, readonly string[]>> = {
  sh: ["bash", "sh"],
  bash: ["bash", "sh"],
  shellscript: ["bash", "sh"],
  ksh: ["ksh"],
  zsh: ["zsh"],
  fish: ["fish"],
  powershell: ["powershell", "pwsh"],
  pwsh: ["pwsh", "powershell"],
  js: ["node"],
  jsx: ["node"],
  javascript: ["node"],
  ts: ["ts-node", "deno run", "bun run"],
  tsx: ["ts-node", "deno run", "bun run"],
  typescript: ["ts-node", "deno run", "bun run"],
  py: ["python3", "python"],
  python: ["python3", "python"],
  rb: ["ruby"],
  ruby: ["ruby"],
  php: ["php"],
  perl: ["perl"],
  lua: ["lua"],
  rs: ["rust-script"],
  rust: ["rust-script"],
  r: ["Rscript"],
  clj: ["bb"],
  cljs: ["bb"],
  cljc: ["bb"],
  clojure: ["bb"],
  go: ["go run"],
};

export const programsFor = (language: string): readonly string[] => programs[language.toLowerCase()] ?? [];

/** Of a script's file; the language itself where nothing else is known. */
export function extensionFor(language: string): string {
  const known: Record<string, string> = {
    javascript: "js",
    typescript: "ts",
    python: "py",
    ruby: "rb",
    rust: "rs",
    clojure: "clj",
    perl: "pl",
  };
  return known[language.toLowerCase()] ?? (/^[a-z0-9]+$/i.test(language) ? language.toLowerCase() : "txt");
}

/** Whether a listing shows it without being asked for unknown ones. */
export const isKnown = (language: string): boolean => isShell(language) || programsFor(language).length > 0;

const kernelLanguages: Readonly<Record<string, string>> = {
  py: "python",
  python3: "python",
  js: "javascript",
  ts: "typescript",
  jl: "julia",
  "c++": "cpp",
};

/** A language as kernelspecs name it. */
export const kernelLanguage = (language: string): string => kernelLanguages[language.toLowerCase()] ?? language.toLowerCase();
