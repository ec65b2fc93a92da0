/**
 * Where pictures are taken: a namespace in which /home, /opt, the name of the user and of the machine are made up, so that no picture shows whose machine it was.
 * Nothing outside changes. Needs Linux, and `unshare` (util-linux) with user namespaces or as root.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const user = "/home/ana";

/** The folder that all of it lies in, and is gone afterwards. */
export const place = process.env["HOLD_PICTURES_PLACE"] ?? "";

/** True: we are there. False: we were, and it is over. */
export function inOwnPlace() {
  if (place) return true;
  const made = mkdtempSync(join(tmpdir(), "hold-pictures-"));
  try {
    for (const folder of ["home/ana", "opt/holdfast"]) mkdirSync(join(made, folder), { recursive: true });
    writeFileSync(join(made, "passwd"), "ana:x:0:0:Ana:/home/ana:/bin/bash\n");
    writeFileSync(join(made, "hosts"), "127.0.0.1 localhost nats.example\n");
    const [, top, whose] = root.split("/");
    const kept = top === "home" && whose ? whose : "";
    if (kept) mkdirSync(join(made, "home", kept));
    const steps = [
      ...(kept ? [`mount --rbind "/home/${kept}" "$0/home/${kept}"`] : []),
      `mount --bind "${root}" "$0/opt/holdfast"`,
      'mount --rbind "$0/home" /home',
      'mount --rbind "$0/opt" /opt',
      'mount --bind "$0/passwd" /etc/passwd',
      'mount --bind "$0/hosts" /etc/hosts',
      "hostname box",
      'exec "$@"',
    ];
    const own = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
    const { status } = spawnSync(
      "unshare",
      [
        ...own,
        "--mount",
        "--uts",
        "sh",
        "-c",
        steps.join(" && "),
        made,
        process.execPath,
        "/opt/holdfast/scripts/pictures/main.mjs",
        ...process.argv.slice(2),
      ],
      { stdio: "inherit", env: { ...process.env, HOLD_PICTURES_PLACE: made } },
    );
    process.exitCode = status ?? 1;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
  return false;
}
