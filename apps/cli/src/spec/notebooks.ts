/** Notebooks: documents whose cells run in kernel sessions. */
import { command } from "./command.ts";

export const notebookCommands = [
  command({
    path: ["notebook", "run"],
    group: "scripting",
    brief: "run a notebook in a kernel session, and keep what it shows in the file",
    description:
      "Runs the code cells in their order in a session of their own, which ends with the run unless --keep is given, or in --session, which others may use too. Outputs are stored as Jupyter's own tools store them, and the file is saved after each cell. The exit code is 0, or 1 when a cell failed; cells behind it are not run, unless --keep-going says so. A cell tagged `raises-exception` may fail. FILE may be Markdown too: its outputs are then written beside it, as FILE.ipynb.",
    args: [{ name: "FILE", brief: "an .ipynb, or Markdown", complete: "file" }],
    flags: {
      session: {
        kind: "text",
        value: "SESSION",
        complete: "session",
        brief: "a kernel session that lives; it goes on afterwards",
      },
      kernel: { kind: "text", value: "NAME", brief: "another kernel than the notebook names" },
      keep: { kind: "bool", brief: "keep the session that was opened for it" },
      param: {
        kind: "list",
        value: "K=V",
        brief: "a parameter, V as JSON or text; assigned behind the cell tagged `parameters`",
      },
      keepGoing: { kind: "bool", brief: "run the cells behind one that failed, too" },
      timeout: { kind: "duration", brief: "end the run when one cell takes longer (exit 124)" },
      output: { kind: "text", value: "FILE", complete: "file", brief: "save there instead of in FILE" },
      noSave: { kind: "bool", brief: "save nothing" },
      noTimes: { kind: "bool", brief: "store no times of cells" },
      names: { kind: "bool", brief: "store in each cell which run it was, and whose" },
      quiet: { kind: "bool", short: "q", brief: "print no outputs" },
      junit: { kind: "text", value: "FILE", complete: "file", brief: "results as JUnit's XML" },
      json: { kind: "bool", brief: "one JSON object a cell" },
    },
    examples: [
      { line: "hold notebook run report.ipynb", says: "all of it, saved in place" },
      {
        line: "hold notebook run report.ipynb --param month=11 --output november.ipynb",
        says: "with a parameter, into another file",
      },
      { line: "hold notebook run report.ipynb --session data", says: "in a kernel that you work in; its variables stay" },
      { line: "hold notebook run checks.ipynb --junit results.xml --no-save -q", says: "in CI" },
    ],
    see: ["kernels", "exit-codes"],
    load: () => import("../commands/notebook-run.ts"),
  }),
  command({
    path: ["notebook", "convert"],
    group: "scripting",
    brief: "convert a notebook to Markdown, or Markdown to a notebook",
    description:
      "No cell is lost either way: text, types, metadata and attachments come through, and Markdown comes back byte for byte. Outputs stay behind. Writes to --output, else beside FILE.",
    local: true,
    args: [{ name: "FILE", brief: "an .ipynb, or Markdown", complete: "file" }],
    flags: {
      output: {
        kind: "text",
        value: "FILE",
        complete: "file",
        brief: "where to; `-` for standard output (default: FILE with the other ending)",
      },
      ids: { kind: "bool", brief: "keep the ids of cells in Markdown" },
      force: { kind: "bool", brief: "over a file that is there" },
    },
    examples: [
      { line: "hold notebook convert report.ipynb", says: "Markdown, beside it" },
      { line: "hold notebook convert README.md --output - | less", says: "the notebook's JSON" },
    ],
    see: ["kernels"],
    load: () => import("../commands/notebook-convert.ts"),
  }),
];
