/**
 * What a block used (`enableResourceMonitoring`), and how many steps run.
 *
 * @module
 */

import { promised } from "./parallel-run.js";
import type { StepContext, StepFunction } from "./parallel.js";
import { usage } from "./platform.js";

/** Steps of an executor that run now, of all its blocks. */
export interface Running {
  steps: number;
}

/** Counts the steps of one block, and measures the process meanwhile, its other work included. */
export class Meter<S, R> {
  readonly #fn: StepFunction<S, R>;
  readonly #all: Running;
  readonly #before = usage();
  #running = 0;
  #peak = 0;

  constructor(fn: StepFunction<S, R>, all: Running) {
    this.#fn = fn;
    this.#all = all;
  }

  readonly call = (step: S, context: StepContext): R | PromiseLike<R> => {
    this.#all.steps++;
    this.#peak = Math.max(this.#peak, ++this.#running);
    let answer: R | PromiseLike<R>;
    let promise: Promise<R> | undefined;
    try {
      answer = this.#fn(step, context);
      promise = promised(answer);
    } catch (error) {
      this.#leave();
      throw error;
    }
    if (promise === undefined) this.#leave();
    else promise.then(this.#leave, this.#leave);
    return promise ?? answer;
  };

  readonly #leave = (): void => {
    this.#running--;
    this.#all.steps--;
  };

  /** What was used; `null` where the platform does not tell. */
  read(): Record<string, number | null> {
    const [before, after] = [this.#before, usage()];
    return {
      peakConcurrency: this.#peak,
      cpuSeconds: after && before ? after.cpuSeconds - before.cpuSeconds : null,
      rssBytes: after?.rssBytes ?? null,
      rssGrownBytes: after && before ? after.rssBytes - before.rssBytes : null,
      maxRssBytes: after?.maxRssBytes ?? null,
    };
  }
}
