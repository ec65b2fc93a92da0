/** CI asks the same questions of every commit: properties run from a fixed seed there, and from a new one under `npm run soak`. */
import { configureGlobal } from "fast-check";

if (!process.env["HOLDFAST_SOAK"]) configureGlobal({ seed: 20261121 });
