/** What a page tells the worker. To `page` it answers, on the port that comes with it, whether it was made with that page. */
export type ToWorker = { readonly is: "page"; readonly script: string } | { readonly is: "take-over" };
/** What the worker tells a page: somebody pressed a notice, and that is where it leads. */
export type FromWorker = { readonly is: "go"; readonly path: string };
