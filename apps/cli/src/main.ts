/**
 * The first code of `hold`: answers `--version` with nothing else loaded, and hands everything else to the application.
 *   M1  Nothing is imported before it is known to be needed: a start costs what its command costs.
 */
const version = process.env["HOLDFAST_VERSION"] ?? "0.0.0-dev";
const first = process.argv[2];

if (process.argv.length === 3 && (first === "--version" || first === "-V" || first === "version")) {
  process.stdout.write(`hold ${version}\n`);
} else {
  const { main } = await import("./app/main.ts");
  await main(process.argv.slice(2), version);
}
