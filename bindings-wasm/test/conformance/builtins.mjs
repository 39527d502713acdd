// What the runner imports from Node: files of the store are Node's to write, and Node reads the vectors.
const elsewhere = (verb) => (...args) => globalThis.windlassNode(verb, ...args);

export const execFileSync = elsewhere("execFileSync");
export const writeFileSync = elsewhere("writeFileSync");
export const mkdirSync = elsewhere("mkdirSync");
export const readFileSync = elsewhere("readFileSync");
export const join = (...parts) => parts.join("/");
export const fileURLToPath = (url) => new URL(url).pathname;
