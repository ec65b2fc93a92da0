export * from "./find.ts";
export * from "./kernelspec.ts";
