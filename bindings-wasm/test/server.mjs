// Real servers for pages, each a process of its own: `windlass serve`, which is killed as a crash would.
import { serve } from "../../bindings-node/test/mixed/part.mjs";

/**
 * A server on `store` that pages of `origin` may call, until `kill()`. `start()` starts it again, on the same
 * port and store; `key` is what it wants from callers from then on.
 */
export class Server {
  constructor(store, origin, key = "") {
    this.store = store;
    this.origin = origin;
    this.key = key;
  }

  async start(key = this.key) {
    const variables = { WINDLASS_CORS_ORIGIN: this.origin, WINDLASS_SERVER_KEY: key };
    const before = Object.keys(variables).map((name) => [name, process.env[name]]);
    Object.assign(process.env, variables);
    const starting = serve(this.store, this.address);
    // The process has its environment; this one has its own again.
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    ({ server: this.process, url: this.url, address: this.address } = await starting);
    return this;
  }

  async kill() {
    await this.process.kill();
  }
}
