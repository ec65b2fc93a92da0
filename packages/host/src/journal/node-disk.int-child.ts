/** Opens a journal as another uid; run by node-disk.test.ts with the folder to try. Prints the fault's code. */
import { Buffer } from "node:buffer";
import { NodeDisk, openJournal, systemRandom } from "./index.ts";

process.setgroups!([]);
process.setgid!(65534);
process.setuid!(65534);
const auditKey = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 9)]);
try {
  openJournal(new NodeDisk(), { folder: process.argv[2]!, now: () => ({ wallMs: 0, monoNs: 0n }), randomBytes: systemRandom, auditKey });
  console.log("opened");
} catch (error) {
  console.log((error as { code?: string }).code, (error as Error).message);
}
