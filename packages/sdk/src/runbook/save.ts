/** A run's outputs as files beside their documents: as Runme writes its sessions, as a notebook, or as a page. The documents stay as they are. */
import { type Cell as NotebookCell, type Notebook, writeNotebook } from "@holdfast/notebook";
import { type CellResult, outputPath, type OutputSession, type Runbook, writeHtml, writeOutputs } from "@holdfast/runbook";
import type { CellOutcome } from "./run.ts";

export type SavedFormat = "md" | "ipynb" | "html";

export interface SavedFile {
  /** As {@link CellOutcome} has its document's, with `-` and the session's id before the ending. */
  readonly path: string;
  readonly text: string;
}

/** Of one document; `results` of others are passed over. Undefined for a file of outputs. */
export function savedOutputs(
  runbook: Runbook,
  file: string,
  results: readonly CellOutcome[],
  { format, session }: { readonly format: SavedFormat; readonly session: OutputSession },
): SavedFile | undefined {
  const own = new Map(
    results.filter(({ step, isBackground }) => step.file === file && !isBackground).map((result) => [result.step.index, result]),
  );
  const written = writeOutputs(runbook, file, session, new Map([...own].map(([index, result]) => [index, cellResult(result)])));
  if (written === undefined || format === "md") return written;
  const path = outputPath(file, session.id).replace(/\.[^./]*$/, "");
  if (format === "html") return { path: `${path}.html`, text: writeHtml(written.text, file) };
  return { path: `${path}.ipynb`, text: writeNotebook(notebookOf(runbook, own)) };
}

const cellResult = ({ startedAtUnixMs, durationMs, code, output }: CellOutcome): CellResult => ({
  startedAtUnixMs,
  durationMs,
  // As Runme writes one that is not known.
  exitCode: code ?? -1,
  text: output,
});

/** Pieces in their order; what only separates them is the notebook's own. */
function notebookOf(runbook: Runbook, results: ReadonlyMap<number, CellOutcome>): Notebook {
  const language = runbook.cells[0]?.language || "bash";
  let count = 0;
  const cells = runbook.pieces.flatMap((piece, n): NotebookCell[] => {
    const id = `piece-${n + 1}`;
    const source = piece.text.replace(/^(\r?\n)+|(\r?\n)+$/g, "");
    if (piece.kind === "mark" || source === "") return [];
    const cell = piece.cell === null ? undefined : runbook.cells[piece.cell];
    if (cell === undefined) return [{ cell_type: piece.kind === "frontMatter" ? "raw" : "markdown", id, metadata: {}, source }];
    const result = results.get(cell.index);
    const tags = cell.settings.tags.length > 0 ? { tags: [...cell.settings.tags] } : {};
    const ran =
      result === undefined
        ? {}
        : {
            exitCode: result.code,
            startedAtUnixMs: result.startedAtUnixMs,
            durationMs: result.durationMs,
            session: result.session,
          };
    return [
      {
        cell_type: "code",
        execution_count: result === undefined ? null : ++count,
        id,
        metadata: { ...tags, name: cell.name, vscode: { languageId: cell.language || "shellscript" }, holdfast: ran },
        outputs:
          result === undefined || result.output === "" ? [] : [{ name: "stdout", output_type: "stream", text: result.output }],
        source: cell.content,
      },
    ];
  });
  const kernel = { display_name: language, language, name: language };
  return { cells, metadata: { kernelspec: kernel, language_info: { name: language } }, nbformat: 4, nbformat_minor: 5 };
}
