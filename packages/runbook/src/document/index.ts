export * from "./runbook.ts";
export { type FrontMatter, type FrontMatterForm, type Values, valueAt, withValue } from "./front-matter.ts";
