// worker.mjs
import { connect } from "windlass";

const client = await connect("sqlite:photos.db");
const worker = client.worker(
  {
    thumbnail: async (payload, ctx) => {
      ctx.progress(50, "decoded");
      return { path: payload.path, width: payload.width ?? 320 };
    },
  },
  { concurrency: 8 },
);
await worker.run(); // until Ctrl-C or SIGTERM: then it drains
