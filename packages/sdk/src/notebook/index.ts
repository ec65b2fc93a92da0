/** Notebooks: read, changed and written (packages/notebook, pure), and run in kernel sessions. In a page as on Node. */
export * from "@holdfast/notebook";
export { fromMarkdown, type MarkdownOptions, toMarkdown } from "@holdfast/notebook/markdown";
export { notebookJunit } from "./junit.ts";
export { parameterFrom, withParameters } from "./parameters.ts";
export { type CellRun, kernelFor, type NotebookRun, type NotebookRunOptions, runNotebook } from "./run.ts";
