// Ends this process when the one that started it is gone, whatever blocks its own thread.
import { Worker } from "node:worker_threads";

const text = `
const { readSync } = require("node:fs");
while (readSync(0, Buffer.alloc(64)) > 0);
process.kill(process.pid, "SIGKILL");
`;
new Worker(text, { eval: true }).unref();
