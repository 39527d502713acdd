// Writes FILE.br and FILE.gz beside every file of a folder that gets shorter by it, for servers that send
// them as they are: node scripts/compress.mjs FOLDER
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const LEAST = 1024; // bytes; what is shorter fits in one packet as it is
const SMALLER = 0.9; // pictures and fonts are compressed already

const ways = {
  ".br": (bytes) =>
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  ".gz": (bytes) => gzipSync(bytes, { level: 9 }),
};

const folder = process.argv[2];
if (!folder) throw new Error("which folder? node scripts/compress.mjs FOLDER");
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || path.endsWith(".br") || path.endsWith(".gz")) continue;
  const bytes = readFileSync(path);
  for (const [end, compress] of Object.entries(ways)) {
    const short = bytes.length < LEAST ? bytes : compress(bytes);
    if (short.length < bytes.length * SMALLER) writeFileSync(path + end, short);
    else rmSync(path + end, { force: true });
  }
}
