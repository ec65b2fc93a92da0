/** What a page tells the worker. To `page` it answers, on the port that comes with it, whether it was made with that page. */
export type ToWorker = { readonly is: "page"; readonly script: string } | { readonly is: "take-over" };
