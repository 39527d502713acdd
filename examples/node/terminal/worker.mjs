// worker.mjs: tells how far it is while it works.
import { connect } from "windlass";

const client = await connect("sqlite:films.db");
await client
  .worker({
    encode: async ({ file, frames }, ctx) => {
      ctx.log(`reading ${file}`);
      for (let frame = 1; frame <= frames; frame++) {
        ctx.signal.throwIfAborted(); // somebody cancelled the task
        await new Promise((resolve) => setTimeout(resolve, 20)); // the work
        ctx.progress((100 * frame) / frames, `frame ${frame}`);
      }
      return { file, frames };
    },
  })
  .run();
await client.close();
