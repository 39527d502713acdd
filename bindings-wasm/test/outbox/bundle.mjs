// Pages of tests as a user builds them: by Vite, from the package by its name.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

import vue from "@vitejs/plugin-vue";
import { build } from "vite";

// What the documents leave open: an address of theirs, and a key from somewhere.
const ENDPOINT = '"https://api.windlass.io"';

/** Fills what the documents' examples leave open; their text stays as it is. */
const placeholders = {
  name: "placeholders",
  enforce: "pre",
  transform(code, id) {
    if (!id.endsWith("/document.jsx")) return null;
    return `${code.replace(ENDPOINT, "{globalThis.endpoint}").replace("{apiKey}", "{globalThis.apiKey}")}\nexport { App };\n`;
  },
};

const made = [];
after(() => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/**
 * Builds the page in `folder`, with all the warnings of a page in development; the folder it is in, which
 * goes when the tests of the file are over.
 */
export async function bundle(folder) {
  process.env.NODE_ENV = "development";
  const outDir = mkdtempSync(join(tmpdir(), "windlass-page-"));
  made.push(outDir);
  await build({
    root: folder,
    configFile: false,
    mode: "development",
    logLevel: "error",
    plugins: [placeholders, vue({ isProduction: false })],
    build: { outDir, minify: false, emptyOutDir: true },
  });
  return outDir;
}
