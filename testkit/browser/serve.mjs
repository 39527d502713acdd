// A folder on loopback, served as a plain web server would.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize, sep } from "node:path";

// What a browser insists on: a module that is no JavaScript does not run, and wasm of another type is
// not compiled while it streams.
const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
};

/**
 * Serves on a free port of loopback until `close()`.
 *
 * `folders` is one folder, or folders by URL prefix (`{"/": pages, "/dist/": built}`): the longest
 * prefix that fits wins. A folder is served by its `index.html`. `headers` go with every answer, or
 * are made from the path. `pages` are answers held in memory, by path: text, or
 * `{ body, type, status, headers }`. `requests` lists the paths that were asked for, in order.
 *
 * @returns {Promise<{ url: string, requests: string[], close(): Promise<void> }>} `url` has no slash at its end
 */
export async function serve(folders, headers = {}, pages = {}) {
  const prefixes = Object.entries(typeof folders === "string" ? { "/": folders } : folders);
  prefixes.sort(([a], [b]) => b.length - a.length);
  const requests = [];
  const server = createServer((request, response) => {
    const path = pathOf(request.url);
    requests.push(path ?? request.url);
    response.setHeader("Cache-Control", "no-store");
    for (const [name, value] of Object.entries(typeof headers === "function" ? headers(path) : headers)) {
      response.setHeader(name, value);
    }
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405);
    if (path !== undefined && Object.hasOwn(pages, path)) return answer(response, pages[path], path);
    const file = path === undefined ? undefined : find(prefixes, path);
    if (file === undefined) return refuse(response, 404);
    response.writeHead(200, { "Content-Type": TYPES[extname(file.path)] ?? "application/octet-stream", "Content-Length": file.size });
    if (request.method === "HEAD") return response.end();
    createReadStream(file.path).on("error", () => response.destroy()).pipe(response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

/** The path of a request; nothing when it makes none. */
function pathOf(target) {
  try {
    return decodeURIComponent(new URL(target, "http://localhost").pathname);
  } catch {
    return undefined;
  }
}

/** The file behind a path; nothing outside the folders. */
function find(prefixes, path) {
  for (const [prefix, folder] of prefixes) {
    if (!path.startsWith(prefix)) continue;
    const root = normalize(folder).replace(/[/\\]+$/, "");
    const file = normalize(join(root, path.slice(prefix.length)));
    if (path.includes("\0") || (file !== root && !file.startsWith(root + sep))) return undefined;
    for (const place of [file, join(file, "index.html")]) {
      const found = statSync(place, { throwIfNoEntry: false });
      if (found?.isFile()) return { path: place, size: found.size };
    }
  }
  return undefined;
}

function answer(response, page, path) {
  const { body, type, status = 200, headers = {} } = typeof page === "string" ? { body: page } : page;
  const guess = TYPES[extname(path)] ?? TYPES[".html"];
  response.writeHead(status, { "Content-Type": type ?? guess, ...headers });
  response.end(body);
}

function refuse(response, status) {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" });
  response.end(status === 404 ? "not found\n" : "method not allowed\n");
}
