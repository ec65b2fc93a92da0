/**
 * `npm run proto`: the wire types from the schema. ts-proto writes them; two things are then made as we say them: a oneof is
 * `{ case, value }` and never absent (`case` is undefined when nothing was set), and every message's codec is exported as `NameSchema`.
 * Beside them the schema itself, for who says it as JSON (host/http).
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const raw = join(root, ".build", "proto");
const out = process.argv[2] ?? join(root, "packages", "protocol", "src", "wire");

const descriptors = join(raw, "descriptors.binpb");

rmSync(raw, { recursive: true, force: true });
for (const args of [["lint"], ["generate"], ["build", "--as-file-descriptor-set", "-o", descriptors]]) {
  const done = spawnSync("buf", args, { cwd: join(root, "proto"), encoding: "utf8" });
  if (done.status === 0) continue;
  console.error(
    `${done.stdout ?? ""}${done.stderr ?? done.error ?? ""}[schema_refused] buf ${args[0]} refuses proto/: see above`,
  );
  process.exit(1);
}
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const from = join(raw, "holdfast", "v1");
/** @type {string[]} */
const pages = [];
for (const name of readdirSync(from).sort()) {
  const { text, messages, enums } = shaped(readFileSync(join(from, name), "utf8"));
  writeFileSync(join(out, name), text);
  const values = [...enums, ...messages.map((m) => `${m}Schema`)];
  if (messages.length > 0) pages.push(`export type { ${messages.join(", ")} } from "./${name}";`);
  if (values.length > 0) pages.push(`export { ${values.join(", ")} } from "./${name}";`);
}
writeFileSync(
  join(out, "names.ts"),
  `/** Every message and enum of the schema. Made by \`npm run proto\`. */\n${pages.join("\n")}\n`,
);

writeFileSync(
  join(out, "descriptors.ts"),
  `/** The schema as a FileDescriptorSet, in base64, with its comments. Made by \`npm run proto\`. */\nexport const descriptors = "${Buffer.from(withoutPlaces(readFileSync(descriptors))).toString("base64")}";\n`,
);

/** Comments stay, and which line they stood in goes: that is most of the bytes, and changes with every edit. */
function withoutPlaces(/** @type {Uint8Array} */ bytes) {
  const set = fromBinary(FileDescriptorSetSchema, bytes);
  for (const { sourceCodeInfo } of set.file) {
    if (!sourceCodeInfo) continue;
    sourceCodeInfo.location = sourceCodeInfo.location.filter((l) => l.leadingComments || l.trailingComments);
    for (const location of sourceCodeInfo.location) {
      location.span = [];
      location.leadingDetachedComments = [];
    }
  }
  return toBinary(FileDescriptorSetSchema, set);
}

/** @param {string} text */
function shaped(text) {
  const messages = [...text.matchAll(/^export const (\w+): MessageFns<\1> = /gm)].map((m) => String(m[1]));
  /** @type {{ message: string, field: string }[]} */
  const oneofs = [];
  const lines = text.replaceAll("$case", "case").replace("/* eslint-disable */\n", "").split("\n");
  let message = "";
  let field = "";
  let isOneof = false;
  for (const [i, line] of lines.entries()) {
    message = /^export interface (\w+)/.exec(line)?.[1] ?? message;
    // A oneof is a field whose type stands on lines of its own and holds cases.
    const opened = /^ {2}(\w+):$/.exec(line);
    if (opened) [field, isOneof] = [opened[1] ?? "", false];
    if (line.includes('{ case: "')) isOneof = true;
    if (line !== "    | undefined;") continue;
    if (isOneof) {
      oneofs.push({ message, field });
      lines[i] = "    | { case: undefined; value?: undefined };";
    }
    isOneof = false;
  }
  let out = lines.join("\n");
  for (const o of oneofs) {
    out = out.replace(
      new RegExp(`(function createBase${o.message}\\(\\)[^]*?[{ ])${o.field}: undefined`),
      `$1${o.field}: { case: undefined }`,
    );
  }
  // Type-only namespaces of enum members: nobody uses them, and Node's type stripping need not meet them.
  out = out.replace(/^export namespace \w+ \{\n(?: {2}export type .*\n)+\}\n\n/gm, "");
  const enums = [...out.matchAll(/^export type (\w+) = typeof \1\[/gm)].map((m) => String(m[1]));
  return { text: `${out}\nexport { ${messages.map((m) => `${m} as ${m}Schema`).join(", ")} };\n`, messages, enums };
}
