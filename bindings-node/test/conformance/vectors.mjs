// Reads `spec/vectors` and compares answers. The format is in `spec/README.md`.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SPEC = fileURLToPath(new URL("../../../spec/", import.meta.url));
const START = Date.UTC(2030, 0, 1);
const read = (name) => JSON.parse(readFileSync(join(SPEC, "vectors", name), "utf8"));
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const show = (value) => (JSON.stringify(value) ?? "nothing").slice(0, 500);

/** A vector makes no sense, or its answer is not as expected. */
export class VectorError extends Error {}

/** The index, and the files and cases that run through a client on `store`. */
export function load(store) {
  const index = read("index.json");
  const cases = Object.entries(index.files).flatMap(([name, entry]) => {
    const file = { ...read(name), name };
    const current = file.cases.length === entry.cases && entry.cases > 0;
    if (!current) throw new VectorError(`${name} and the index differ: run python3 spec/generate.py`);
    const runs = file.level === "client" && (file.stores ?? [store]).includes(store);
    return runs ? file.cases.map((one) => ({ file, one })) : [];
  });
  if (cases.length === 0) throw new VectorError("spec/vectors/index.json lists no cases for clients");
  return { index, cases };
}

/** Where a runner says what ran, for `spec/conformance.py`. */
export function results(runner) {
  const folder = process.env.WINDLASS_RESULTS || join(SPEC, "../target/conformance");
  mkdirSync(folder, { recursive: true });
  return join(folder, `${runner}.json`);
}

/** `value` with references and generators replaced by what they stand for. */
export function resolve(value, saved) {
  if (typeof value === "string" && value.startsWith("$")) {
    const found = value.slice(1).split(".").reduce((at, part) => at?.[part], saved);
    if (found === undefined) throw new VectorError(`${value} leads nowhere`);
    return found;
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, saved));
  if (!isObject(value)) return value;
  if ("$repeat" in value) return value.$repeat.repeat(value.times);
  if ("$pairs" in value) return Object.fromEntries(Array.from({ length: value.$pairs }, (_, i) => [`k${i}`, "v"]));
  if ("$nest" in value) return Array.from({ length: value.$nest - 1 }).reduce((nested) => [nested], []);
  if ("$time" in value) return new Date(START + value.$time * 1000).toISOString();
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, saved)]));
}

const MATCHERS = {
  $any: (_, given) => given != null,
  $absent: (_, given) => given == null,
  $len: (n, given) => (typeof given === "string" ? Buffer.byteLength(given) : given?.length) === n,
  $not: (want, given) => !matches(want, given),
  $unordered: (want, given) => {
    const left = [...given];
    const found = (item) => left.findIndex((one) => matches(item, one));
    return want.every((item) => left.splice(found(item), found(item) < 0 ? 0 : 1).length === 1) && left.length === 0;
  },
};

function matches(want, given) {
  try {
    return match(want, given, "") ?? true;
  } catch {
    return false;
  }
}

/** Throws unless `given` is as expected: objects may hold more, arrays are exact. */
export function match(want, given, path) {
  const differ = () => new VectorError(`${path}: expected ${show(want)}, got ${show(given)}`);
  if (isObject(want) && Object.keys(want).some((key) => key.startsWith("$"))) {
    const [[name, inner], ...more] = Object.entries(want);
    if (more.length > 0 || !Object.hasOwn(MATCHERS, name)) throw new VectorError(`there is no matcher ${show(want)}`);
    if (!MATCHERS[name](inner, given)) throw differ();
  } else if (isObject(want) && isObject(given)) {
    for (const [key, item] of Object.entries(want)) match(item, given[key], `${path}.${key}`);
  } else if (Array.isArray(want) && Array.isArray(given) && want.length === given.length) {
    want.forEach((item, i) => match(item, given[i], `${path}.${i}`));
  } else if (typeof want === "number" && typeof given === "number") {
    if (!(Math.abs(want - given) <= 1e-9 * Math.max(1, Math.abs(want), Math.abs(given)))) throw differ();
  } else if ((typeof want === "object" && want !== null) || want !== (given ?? null)) {
    throw differ();
  }
}
