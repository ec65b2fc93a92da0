/** What checks of the documents read: the command table and the pages made of it. */
export { flagRows, helpFor, usageLine } from "./help/page.ts";
export { topics } from "./help/topics.ts";
export { table } from "./spec/index.ts";
