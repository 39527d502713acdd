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
  const cases = Object.keys(index.files).flatMap((name) => {
    const file = { ...read(name), name };
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
  $not: (want, given) => fault(want, given) !== undefined,
  $unordered: (want, given) => {
    const left = [...given];
    const found = (item) => left.findIndex((one) => fault(item, one) === undefined);
    return want.every((item) => left.splice(found(item), found(item) < 0 ? 0 : 1).length === 1) && left.length === 0;
  },
};

/** Where `given` is not as expected, if anywhere: objects may hold more, arrays are exact. */
function fault(want, given, path = "") {
  const unless = (fits) => (fits ? undefined : `${path}: expected ${show(want)}, got ${show(given)}`);
  const within = (entries) => entries.map(([key, item]) => fault(item, given[key], `${path}.${key}`)).find((one) => one !== undefined);
  const [name] = isObject(want) ? Object.keys(want).filter((key) => key.startsWith("$")) : [];
  if (name !== undefined) {
    if (Object.keys(want).length > 1 || !Object.hasOwn(MATCHERS, name)) throw new VectorError(`there is no matcher ${show(want)}`);
    return unless(MATCHERS[name](want[name], given));
  }
  if (isObject(want) && isObject(given)) return within(Object.entries(want));
  if (Array.isArray(want) && Array.isArray(given) && want.length === given.length) return within([...want.entries()]);
  const near = () => Math.abs(want - given) <= 1e-9 * Math.max(1, Math.abs(want), Math.abs(given));
  if (typeof want === "number" && typeof given === "number") return unless(near());
  return unless((typeof want !== "object" || want === null) && want === (given ?? null));
}

/** Throws unless `given` is as expected. */
export function match(want, given, what) {
  const found = fault(want, given, what);
  if (found !== undefined) throw new VectorError(found);
}
