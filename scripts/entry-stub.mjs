/**
 * The first file that runs, dist/hold.cjs: old JavaScript that looks at Node's version before anything newer is parsed, answers
 * `--version` with nothing else loaded, and runs dist/cli.cjs with the code that V8 has compiled for this command before (ADR 51).
 *
 *   E1  Compiled code is taken from a file of this user alone, named after the source, the Node and the command that it was made by,
 *       and only if the file is whole: V8 crashes on a byte that has changed.
 *   E2  Without such a file, or with one that V8 refuses, everything works as with it; one is left behind on the way out.
 */

/** Commands with a file of compiled code each; all others share one. A start pays for what it takes in, so each has only its own. */
const ownFile = ["ls", "attach", "new", "run", "exec", "send", "wait", "screen", "show", "log"];

export function entryStub(/** @type {string} */ version, /** @type {string} */ neededNode) {
  return `var need = ${JSON.stringify(neededNode)}.split(".").map(Number);
var have = process.versions.node.split(".").map(Number);
var only = process.argv.length === 3 ? process.argv[2] : "";
if (have[0] < need[0] || (have[0] === need[0] && have[1] < need[1])) {
  process.stderr.write("[node_too_old] holdfast ${version} needs Node ${neededNode} or newer, and this is " + process.versions.node + " (" + process.execPath + "): put a newer node on the PATH, or set HOLDFAST_NODE to one\\n");
  process.exitCode = 1;
} else if (only === "--version" || only === "-V") {
  process.stdout.write("hold ${version}\\n");
} else {
  var fs = require("fs");
  var vm = require("vm");
  var program = __dirname + "/cli.cjs";
  // The build wrote nothing but ASCII, and a hash of the rest into the first line.
  var source = fs.readFileSync(program, "latin1");
  // A folder of the user's own: a cache in /tmp could be somebody else's.
  var base = process.env.XDG_CACHE_HOME || (process.env.HOME ? process.env.HOME + "/.cache" : "");
  var folder = base + "/holdfast/code";
  var word = ${JSON.stringify(ownFile)}.indexOf(process.argv[2]) < 0 ? "other" : process.argv[2];
  var file = folder + "/" + source.slice(2, 34) + "-" + process.version + "-" + process.arch + "-" + word;
  var compiled = base ? mine(file) : undefined;
  var script = new vm.Script("(function (require, __filename, __dirname) {" + source + "\\n})", { filename: program, cachedData: compiled });
  if (base && (!compiled || script.cachedDataRejected)) process.once("exit", keep);
  script.runInThisContext()(require, program, __dirname);
}

function mine(path) {
  var fd;
  try {
    fd = fs.openSync(path, "r");
    var facts = fs.fstatSync(fd);
    if (facts.uid !== process.geteuid() || (facts.mode & 0o22) !== 0) return undefined;
    var kept = fs.readFileSync(fd);
    return kept.length > 32 && digest(kept.subarray(32)).equals(kept.subarray(0, 32)) ? kept.subarray(32) : undefined;
  } catch (missing) {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function digest(bytes) {
  // Nearly every command needs this module for the handshake anyway.
  return require("crypto").createHash("sha256").update(bytes).digest();
}

function keep() {
  var part = file + "." + process.pid;
  try {
    var code = script.createCachedData();
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    var monthAgo = Date.now() - 30 * 86400000;
    fs.readdirSync(folder).forEach(function (name) {
      if (fs.statSync(folder + "/" + name).mtimeMs < monthAgo) fs.unlinkSync(folder + "/" + name);
    });
    fs.writeFileSync(part, Buffer.concat([digest(code), code]), { mode: 0o600, flag: "wx" });
    fs.renameSync(part, file);
  } catch (unwritable) {
    // Without it the next start compiles again.
    try {
      fs.unlinkSync(part);
    } catch (absent) {}
  }
}
`;
}
