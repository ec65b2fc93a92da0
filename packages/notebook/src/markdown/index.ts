/** Apart from the package's root: it brings a YAML parser, which a page need not load. */
export { fromMarkdown, type MarkdownOptions, toMarkdown } from "./markdown.ts";
