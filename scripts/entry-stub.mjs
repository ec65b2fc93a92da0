/**
 * The first file that runs, dist/hold.mjs: old JavaScript that looks at Node's version before anything newer is parsed.
 * `import()` rather than `import`, since static imports would be loaded first.
 */
export function entryStub(/** @type {string} */ version, /** @type {string} */ neededNode) {
  return `var need = ${JSON.stringify(neededNode)}.split(".").map(Number);
var have = process.versions.node.split(".").map(Number);
if (have[0] < need[0] || (have[0] === need[0] && have[1] < need[1])) {
  process.stderr.write("[node_too_old] holdfast ${version} needs Node ${neededNode} or newer, and this is " + process.versions.node + " (" + process.execPath + "): put a newer node on the PATH, or set HOLDFAST_NODE to one\\n");
  process.exitCode = 1;
} else {
  // Compiled code is kept in a folder of the user's own: a cache in /tmp could be somebody else's.
  var base = process.env.XDG_CACHE_HOME || (process.env.HOME ? process.env.HOME + "/.cache" : "");
  import("node:module").then(function (module) {
    if (base && module.enableCompileCache) module.enableCompileCache(base + "/holdfast/compile");
    return import("./cli/main.mjs");
  });
}
`;
}
