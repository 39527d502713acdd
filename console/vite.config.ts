import { type Plugin, defineConfig } from "vite";

// `npm run dev` shows the sources against a server that runs already: WINDLASS_URL names it.
const server = process.env["WINDLASS_URL"] ?? "http://127.0.0.1:8420";
const proxied = { target: server, changeOrigin: true };

/** The page speaks to a server only: the engine that windlass-web can run in a page is not shipped. */
const withoutEngine: Plugin = {
  name: "without-engine",
  apply: "build",
  generateBundle(_, bundle) {
    for (const name of Object.keys(bundle)) if (/(^|\/)engine[-_]/.test(name)) delete bundle[name];
  },
};

export default defineConfig({
  base: "/",
  plugins: [withoutEngine],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  // The package of this repository as it was built last: a link in node_modules would put all that its
  // own tests need into the lock file here.
  resolve: { alias: { "windlass-web": new URL("../bindings-wasm/dist/index.js", import.meta.url).pathname } },
  server: { fs: { allow: [".."] }, proxy: { "/api": proxied, "/console.json": proxied, "/health": proxied } },
  build: {
    target: "es2022",
    // The page allows neither scripts nor styles within it: everything is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
