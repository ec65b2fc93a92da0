/** Ana's home: a host, sessions, people and an AI, and what happens to them while pictures are taken. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect, homeFolder } from "@holdfast/sdk/node";
import { place, root, user } from "./place.mjs";

const env = {
  ...{ PATH: process.env.PATH ?? "", HOME: user, LANG: "C.UTF-8", SHELL: "/bin/bash", USER: "ana", LOGNAME: "ana" },
};
const shop = join(user, "shop");
const mirrorKey = join(place, "mirror.key");

const hold = (/** @type {string[]} */ ...args) =>
  execFileSync(join(root, "bin", "hold"), args, {
    env,
    cwd: shop,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  }).trim();

export class Home {
  /** @type {import("playwright-core").Browser} */
  #browser;
  /** @type {(() => void)[]} */
  #ends = [];
  #isOver = false;
  url = "";
  /** A scene took the host down. */
  isAway = false;

  /** @param {import("playwright-core").Browser} browser */
  constructor(browser) {
    this.#browser = browser;
  }

  hold = hold;

  async furnish() {
    mkdirSync(join(shop, "src"), { recursive: true });
    for (const [path, text] of Object.entries(FILES)) writeFileSync(join(shop, path), text);
    writeFileSync(join(user, ".bashrc"), "PS1='\\[\\e[36m\\]\\w\\[\\e[0m\\] $ '\n");
    hold("host", "up");
    await this.#yesterday();
    for (const name of ["notes", "deploy", "build"]) hold("new", name, "-d");
    hold("new", "import", "-d", "--pipes", "--", "sh", "-c", "echo 1,204 rows; sleep 3600");
    hold("new", "watch", "-d", "--", "sh", "-c", "while :; do date; sleep 5; done");
    hold("new", "preview", "-d", "--", "node", "serve.mjs");
    hold("new", "login", "-d", "--", "sh", "login.sh");
    hold("new", "migrate", "-d", "--", "sh", "-c", "echo applying 0012_refunds; echo 'column exists already' >&2; exit 3");
    hold("operator", "add", "ben");
    hold("operator", "add", "claude", "--kind", "ai", "--on-behalf-of", "ben");
    const { path } = JSON.parse(hold("policy", "show", "--json"));
    writeFileSync(path, POLICY, { mode: 0o600 });
    hold("policy", "reload");
    hold("run", "build", "--", "git status --short 2>/dev/null; ls");
    try {
      hold("run", "build", "--", "sh test.sh");
    } catch {
      // Its exit code is the point.
    }
    hold("redact", "login", "--match", "your token", "--reason", "a token", "--yes");
    hold("send", "login", "--key", "Enter");
    this.url = JSON.parse(hold("console", "--no-open", "--json")).url;
    await this.people();
    await this.#relay();
    await this.#mirror();
  }

  /** A session that the machine's restart ended: its processes are gone, and the host that finds it is of another boot. */
  async #yesterday() {
    hold("new", "train", "-d");
    hold("run", "train", "--", "for n in 1 2 3; do echo epoch $n, loss 0.$((9 - n)); done");
    hold("host", "down");
    for (const pid of shims()) process.kill(pid, "SIGKILL");
    const boot = join(place, "boot_id");
    writeFileSync(boot, "00000000-0000-4000-8000-000000000002\n");
    execFileSync("mount", ["--bind", boot, "/proc/sys/kernel/random/boot_id"]);
    hold("host", "up");
  }

  /** Others at work, over links that come back by themselves. */
  async people() {
    const home = homeFolder(env);
    const ben = await connect({ home, as: "ben", via: "cli" });
    const claude = await connect({ home, as: "claude", via: "mcp" });
    const asks = await connect({ home, as: "claude", via: "mcp" });
    const [steers, looks] = [await ben.attach({ session: "watch" }, {}), await ben.attach({ session: "build" }, {})];
    const works = await claude.attach({ session: "build" }, {});
    this.#ends.push(() => {
      for (const client of [ben, claude, asks]) client.close();
    });
    void looks;
    /** Who steers lets go of the floor after a while, unless it is taken again. */
    this.steer = async () => {
      await steers.take().catch(() => {});
      await works.take().catch(() => {});
    };
    await this.steer();
    void this.#again(() => asks.run("deploy", { text: "make deploy STAGE=production" }));
    void this.#again(() =>
      asks.approvals.ask(
        "deploy",
        "The migration renames a column that the old release still reads. Deploy now, or after midnight?",
        { options: ["Now", "After midnight"] },
      ),
    );
  }

  steer = async () => {};

  /** @param {() => Promise<unknown>} act */
  async #again(act) {
    while (!this.#isOver) {
      await act().catch(() => {});
      await delay(500);
    }
  }

  async #relay() {
    const child = spawn(
      join(root, "bin", "hold"),
      ["relay", "--folder", join(place, "relay"), "--json", "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--console"],
      { env, cwd: shop, stdio: ["ignore", "pipe", "ignore"] },
    );
    this.#ends.push(() => child.kill());
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    const { url, join: told } = JSON.parse(line);
    hold("host", "join", url, "--token", /--token (\S+)/.exec(told)?.[1] ?? "", "--name", "box", "--allow-plain");
  }

  async #mirror() {
    const child = spawn("nats-server", ["-js", "-a", "127.0.0.1", "-p", "4222", "-sd", join(place, "nats")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#ends.push(() => child.kill());
    for await (const line of createInterface({ input: child.stderr })) if (line.includes("Server is ready")) break;
    hold("host", "mirror", "nats://nats.example:4222");
    writeFileSync(mirrorKey, hold("host", "mirror", "key"), { mode: 0o600 });
  }

  /** A link to the page over what the mirror has by now, as another machine reads it. */
  async record() {
    hold("host", "mirror", "now");
    const elsewhere = { env: { ...env, HOLDFAST_HOME: join(place, "elsewhere"), XDG_CONFIG_HOME: join(place, "config") } };
    const at = ["--mirror", "nats://nats.example:4222", "--mirror-key", mirrorKey];
    execFileSync(join(root, "bin", "hold"), ["context", "set", "box", ...at], elsewhere);
    const child = spawn(join(root, "bin", "hold"), ["console", "--context", "box", "--from-mirror", "--json"], {
      ...elsewhere,
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.#ends.push(() => child.kill());
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    return JSON.parse(line).link;
  }

  goAway() {
    this.isAway = true;
    hold("host", "down");
  }

  comeBack() {
    this.isAway = false;
    hold("host", "up");
  }

  link(/** @type {string[]} */ ...words) {
    return JSON.parse(hold(...(words.length > 0 ? words : ["console", "--no-open"]), "--json")).link;
  }

  /** @param {import("playwright-core").BrowserContextOptions} way */
  async page(way) {
    const context = await this.#browser.newContext(way);
    context.setDefaultTimeout(20_000);
    return context.newPage();
  }

  /**
   * What was away is back.
   *
   * @param {import("playwright-core").Page} page
   * @param {boolean} isDone
   */
  async after(page, isDone) {
    if (isDone) await page.context().close();
    if (this.isAway) this.comeBack();
  }

  async end() {
    this.#isOver = true;
    for (const end of this.#ends) end();
    for (const { id } of JSON.parse(`[${hold("ls", "--json").replaceAll("\n", ",")}]`)) {
      try {
        hold("kill", id);
      } catch {
        // It is over by now.
      }
    }
    hold("host", "down");
  }
}

/** Of this home: nothing else runs in a folder of that name. */
function shims() {
  const of = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return of.map(Number).filter((pid) => {
    try {
      const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
      return argv[1] === "shim" && argv[2]?.startsWith(`${user}/`);
    } catch {
      return false;
    }
  });
}

const POLICY = `version = 1

# What no rule says: in the shell an AI asks, everything else it may do.
[ai]
otherwise = "allow"
run = "ask"
`;

const FILES = {
  "README.md": "# shop\n\nCarts, checkout, ledger and refunds.\n\n    sh test.sh\n",
  Makefile: "deploy:\n\t./deploy.sh $(STAGE)\n",
  "src/ledger.ts":
    "export const total = (lines: readonly { readonly cents: number }[]): number =>\n  lines.reduce((sum, { cents }) => sum + cents, 0);\n",
  "serve.mjs":
    'import { createServer } from "node:http";\n\ncreateServer((_, answer) => answer.end("shop\\n")).listen(4173, "127.0.0.1", () => console.log("http://127.0.0.1:4173"));\n',
  "login.sh": `echo your token is 91-442; read -r _; printf 'docs: \\033]8;;https://example.com/docs\\033\\\\read them\\033]8;;\\033\\\\\\n'; exec cat\n`,
  "test.sh": `for n in cart checkout ledger search; do sleep 0.2; printf '\\033[32m✓\\033[0m %-10s %s tests\\n' "$n" $((\${#n} * 7)); done\nprintf '\\033[31m✗\\033[0m %-10s 1 of 31 failed\\n' refunds\nexit 1\n`,
};
