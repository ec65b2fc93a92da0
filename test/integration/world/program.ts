/** The built host, which is what users run; that of the source takes three times as long to start. */
import { fileURLToPath } from "node:url";

export const program = fileURLToPath(new URL("../../../dist/host.mjs", import.meta.url));
