/** `hold host install`: a systemd user unit, and whether lingering is on. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { HoldError } from "@holdfast/sdk";
import { type Context, line } from "../app/context.ts";

/**
 * `KillMode=process`: stopping the unit stops the host, and never the shims that hold the sessions. `hold host up` returns once the
 * keeper serves, which is why the unit is of type forking without a pid file.
 */
export function unitText(command: readonly string[], home: string | undefined): string {
  const quoted = command
    .map((w) => (/^[\w@%+=:,./-]+$/.test(w) ? w : `"${w.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`))
    .join(" ")
    .replaceAll("%", "%%");
  return `[Unit]
Description=Holdfast host: keeps terminal sessions alive
Documentation=man:systemd.service(5)

[Service]
Type=oneshot
RemainAfterExit=yes
KillMode=process
${home === undefined ? "" : `Environment="HOLDFAST_HOME=${home.replaceAll("%", "%%")}"\n`}ExecStart=${quoted} host up
ExecStop=${quoted} host down
OOMScoreAdjust=-200

[Install]
WantedBy=default.target
`;
}

export function lingering(user: string): boolean | null {
  if (existsSync(`/var/lib/systemd/linger/${user}`)) return true;
  const told = spawnSync("loginctl", ["show-user", user, "--property=Linger", "--value"], { encoding: "utf8" });
  return told.status === 0 ? told.stdout.trim() === "yes" : null;
}

export async function run(context: Context, flags: { print: boolean; remove: boolean }): Promise<number | undefined> {
  const config = context.env["XDG_CONFIG_HOME"] || join(context.env["HOME"] ?? homedir(), ".config");
  const file = join(config, "systemd", "user", "holdfast.service");
  const launcher = context.env["HOLDFAST_COMMAND"]
    ? [context.env["HOLDFAST_COMMAND"]]
    : [process.execPath, process.argv[1] ?? "hold"];
  const text = unitText(launcher, context.env["HOLDFAST_HOME"]);
  if (flags.print) {
    context.out.write(text);
    return;
  }
  if (process.platform !== "linux")
    throw new HoldError("unsupported", "units are systemd's, and this is no Linux; any command starts the host by itself");
  const systemctl = (...words: string[]) => spawnSync("systemctl", ["--user", ...words], { encoding: "utf8" });
  if (flags.remove) {
    systemctl("disable", "holdfast.service");
    rmSync(file, { force: true });
    systemctl("daemon-reload");
    line(context.err, `removed ${file}; sessions run on`);
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o644 });
  line(context.err, `wrote ${file}`);
  const reloaded = systemctl("daemon-reload");
  if (reloaded.error || reloaded.status !== 0)
    throw new HoldError(
      "unsupported",
      `the unit is written, but no systemd of this user answers (${(reloaded.stderr || reloaded.error?.message || "").trim()}); log in on the machine itself and run \`systemctl --user enable --now holdfast\``,
    );
  const enabled = systemctl("enable", "--now", "holdfast.service");
  if (enabled.status !== 0)
    throw new HoldError(
      "start_failed",
      `systemd would not start it: ${enabled.stderr.trim()}; \`systemctl --user status holdfast\` says more`,
    );
  const { username } = userInfo();
  if (lingering(username) === true) line(context.err, "lingering is on: sessions outlive your last logout");
  else
    line(
      context.err,
      `lingering is off: run \`loginctl enable-linger ${username}\`, or the system may end your sessions when you log out`,
    );
  return;
}
