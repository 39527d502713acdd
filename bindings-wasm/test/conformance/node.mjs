// What a page that runs vectors asks of Node: servers with clocks of their own, and the files of stores.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

// The package for Node of this clone.
const require = createRequire(new URL("../../../bindings-node/package.json", import.meta.url));
const { ManualClock, TestServer } = require("windlass/testing");

/** Answers the page of `origin`; `close` stops every server that is left. */
export function host(origin) {
  const clocks = new Map();
  const servers = new Map();
  let number = 0;
  const verbs = {
    async start(url, clockId, millis, options) {
      if (!clocks.has(clockId)) clocks.set(clockId, new ManualClock(new Date(millis)));
      try {
        const server = await TestServer.start(url, { ...options, clock: clocks.get(clockId), corsOrigins: [origin], grace: 0 });
        servers.set(++number, server);
        return { server: { id: number, url: server.url } };
      } catch ({ code, message, fields }) {
        return { error: { code, message, fields } };
      }
    },
    async stop(id) {
      await servers.get(id).stop();
      servers.delete(id);
    },
    advance: (id, seconds) => clocks.get(id).advance(seconds),
    writeFileSync: (...args) => writeFileSync(...args),
    execFileSync: (_, args) => void execFileSync(process.env.PYTHON || "python3", args),
  };
  return {
    answer: (verb, ...args) => verbs[verb](...args),
    close: () => Promise.all(Array.from(servers.values(), (server) => server.stop())),
  };
}
