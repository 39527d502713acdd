// Runs one case of `spec/vectors`.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { WindlassError } from "windlass";
import { errorRecord } from "./place.mjs";
import { VectorError, match, resolve } from "./vectors.mjs";

const STEP = new Set(["call", "args", "as", "save", "expect", "error", "advance", "sql", "write", "connect"]);
// Node 20 has no SQLite of its own.
const SQL = "import sqlite3, sys\nfor s in sys.argv[2:]: sqlite3.connect(sys.argv[1], isolation_level=None).execute(s)";

export async function runPure(name, one, site) {
  if ("out" in one === "error" in one) throw new VectorError("a case expects either out or error");
  await check({ ...one, ...("out" in one && { expect: one.out }) }, {}, () => site.pure(name, resolve(one.in, {})));
}

export async function runSteps({ steps }, site) {
  if (!steps.some((step) => "expect" in step || "error" in step)) throw new VectorError("the case expects nothing");
  const saved = {};
  for (const [number, step] of steps.entries()) {
    await runStep(step, site, saved).catch((cause) => {
      throw new VectorError(`step ${number} ${JSON.stringify(step).slice(0, 300)}: ${cause}`, { cause });
    });
  }
}

async function runStep(step, site, saved) {
  const unknown = Object.keys(step).filter((key) => !STEP.has(key));
  if (unknown.length > 0) throw new VectorError(`a step has no ${unknown}`);
  if ("advance" in step) return site.clock.advance(step.advance);
  if (("write" in step || "sql" in step) && site.file === undefined) throw new VectorError("this store has no file");
  if ("write" in step) return writeFileSync(site.file, step.write);
  if ("sql" in step) return execFileSync(process.env.PYTHON || "python3", ["-c", SQL, site.file, ...step.sql]);
  const given = await check(step, saved, async () => {
    if ("connect" in step) return (await site.connect(step.connect)).close();
    if (step.call === "reopen") return site.reopen();
    return site.call(step.call, resolve(step.args ?? {}, saved), step.as);
  });
  if ("save" in step) saved[step.save] = given;
}

/** Calls, and compares what comes with `expect` or with `error`. */
async function check(want, saved, make) {
  let given;
  try {
    given = await make();
  } catch (error) {
    if (!("error" in want) || !(error instanceof WindlassError)) throw error;
    return match(resolve(want.error, saved), errorRecord(error), "error");
  }
  if ("error" in want) throw new VectorError(`expected ${JSON.stringify(want.error)}, got ${JSON.stringify(given)}`);
  if ("expect" in want) match(resolve(want.expect, saved), given, "answer");
  return given;
}
