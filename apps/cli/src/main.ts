/** The first code of `hold` that may be new: hands the line to the application. `--version` has been answered (scripts/entry-stub.mjs). */
import { main } from "./app/main.ts";

void main(process.argv.slice(2), process.env["HOLDFAST_VERSION"] ?? "0.0.0-dev");
