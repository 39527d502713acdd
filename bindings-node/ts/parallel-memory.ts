/**
 * Equal steps of a block that run once (`enableCaching`).
 *
 * @module
 */

import { isPlain } from "./json.js";
import { promised } from "./parallel-run.js";
import type { StepContext, StepFunction } from "./parallel.js";

/**
 * What steps of one block came to, for the equal ones that follow. Steps are equal when they are the same value,
 * or the same JSON. Only what completed is shared: a step equal to one that failed runs itself.
 */
export class Memory<S, R> {
  readonly #fn: StepFunction<S, R>;
  readonly #answers = new Map<unknown, R | PromiseLike<R>>();
  /** Steps that have the result of another. */
  readonly shared = new Set<number>();

  constructor(fn: StepFunction<S, R>) {
    this.#fn = fn;
  }

  readonly call = (step: S, context: StepContext): R | PromiseLike<R> => {
    const key = keyOf(step);
    if (!this.#answers.has(key)) {
      const given = this.#fn(step, context);
      const answer = promised(given) ?? given;
      this.#answers.set(key, answer);
      return answer;
    }
    const known = this.#answers.get(key) as R | PromiseLike<R>;
    if (!(known instanceof Promise)) return this.#sharing(known as R, context);
    return known.then(
      (result) => this.#sharing(result, context),
      () => {
        // The first of those that waited runs, and the others wait for that one.
        if (this.#answers.get(key) === known) this.#answers.delete(key);
        return this.call(step, context);
      },
    );
  };

  #sharing(result: R, context: StepContext): R {
    this.shared.add(context.index);
    return result;
  }
}

function keyOf(step: unknown): unknown {
  if (typeof step === "string") return `text ${step}`;
  if (typeof step !== "object" || step === null) return step;
  try {
    // It throws at a cycle, in which `isPlain` would not come to an end.
    const text = JSON.stringify(step);
    return isPlain(step) ? `json ${text}` : step;
  } catch {
    return step;
  }
}
