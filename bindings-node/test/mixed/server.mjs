// `windlass serve` as the package starts it: node server.mjs ARGUMENTS
import "./leash.mjs";
import { fileURLToPath } from "node:url";

process.argv[1] = fileURLToPath(new URL("../../bin/windlass.mjs", import.meta.url));
process.argv.splice(2, 0, "serve");
await import(process.argv[1]);
