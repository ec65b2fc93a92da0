/**
 * `npm start`: builds, starts the host, sees that a session named `demo` lives, and says how to get in.
 * Needs Node and a C compiler. It ends at once: the session needs neither this script nor its terminal.
 */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const hold = join(root, "bin", "hold");

/** The environment as it was before npm added its own, for the session to inherit. */
function ownEnvironment() {
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !/^(npm_|INIT_CWD$|NODE$|COLOR$)/.test(key)));
  env.PATH = (env.PATH ?? "")
    .split(":")
    .filter((folder) => !/node_modules\/\.bin$|node-gyp-bin$/.test(folder))
    .join(":");
  return env;
}

function run(/** @type {string} */ command, /** @type {string[]} */ args, quiet = false) {
  const done = spawnSync(command, args, {
    cwd: root,
    env: ownEnvironment(),
    stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"],
  });
  if (done.status === 0) return;
  console.error(`[start_failed] ${[command, ...args].join(" ")} ended with ${done.status ?? done.signal}: see the message above`);
  process.exit(1);
}

function printed(/** @type {string} */ command, /** @type {string[]} */ args) {
  const done = spawnSync(command, args, { cwd: root, env: ownEnvironment(), encoding: "utf8" });
  return done.status === 0 ? done.stdout.trim() : `(none: ${done.stderr.trim()})`;
}

const word = (/** @type {string} */ text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

run(process.execPath, [join(root, "scripts", "build.mjs")]);
run(hold, ["host", "up"], true);
run(hold, ["new", "demo", "-d", "-A"], true);
run(hold, ["ls"]);
console.log(`
The session \`demo\` is alive. Its end is its own: nothing that happens to this terminal ends it.
In a browser of this machine, by a link that works once, within ten minutes (\`hold console\` makes another):

  ${printed(hold, ["console", "--no-open"])}

In a terminal:

  ${word(hold)} attach demo        # get in; Ctrl-q d leaves it running
  ${word(hold)} run demo -- uptime # or send it one command
  ${word(hold)} --help

To have \`hold\` at hand in this shell:

  export PATH=${word(join(root, "bin"))}:"$PATH"
`);
