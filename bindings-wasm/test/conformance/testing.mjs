// `windlass/testing` for the runner in the page: servers are Node's, and live by the clock of the page.
import { ManualClock as PageClock } from "/dist/testing.js";
import { errors } from "/dist/index.js";

let number = 0;

/** Moves the clocks of the servers that were started with it, too. */
export class ManualClock extends PageClock {
  id = number++;
  serves = false;

  advance(seconds) {
    super.advance(seconds);
    // Awaited by the runner: what is asked next is asked later.
    if (this.serves) return globalThis.windlassNode("advance", this.id, seconds);
  }
}

/** A real server that the test started. */
export class TestServer {
  static async start(url, { clock, ...options }) {
    clock.serves = true;
    const { server, error } = await globalThis.windlassNode("start", url, clock.id, clock.now().getTime(), options);
    if (error !== undefined) throw errors.fromCode(error.code, error.message, error.fields);
    return Object.assign(new TestServer(), server);
  }

  stop() {
    return globalThis.windlassNode("stop", this.id);
  }
}
