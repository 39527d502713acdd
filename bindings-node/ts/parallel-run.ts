/**
 * Drives a block: starts what core's machine grants, tells it what ended, and cancels what runs once there is
 * a verdict. One border crossing for all that ended in a turn of the loop; where no single finish can decide,
 * one for the whole block.
 *
 * @module
 */

import { invalid, now, raised } from "./failure.js";
import { ParallelExecutionError } from "./generated/errors.js";
import type { CustomStrategy, OverallStatus, StepContext, StepFunction, StepResult } from "./parallel.js";
import { soon } from "./platform.js";
import type { NativeBlock } from "./surface.js";

/** Milliseconds that steps which never wait keep the event loop before timers and sockets have their turn. */
const TURN = 10;
/** The longest that a timer waits, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;
const DONE = Promise.resolve();

/** What a block needs beside its machine. */
export interface BlockWork<S, R> {
  readonly steps: readonly S[];
  readonly fn: StepFunction<S, R>;
  /** Steps that run at once, at most. The machine has checked it. */
  readonly most: number;
  readonly custom: CustomStrategy<R> | undefined;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds. */
  readonly cancelGrace: number;
}

/** What came of a block. */
export interface BlockEnd<R> {
  readonly status: OverallStatus;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Seconds. */
  readonly executionTime: number;
  readonly results: StepResult<R>[];
}

/**
 * Runs a block to its end.
 *
 * @throws ParallelExecutionError when the function of a `custom` strategy throws; what runs is cancelled first
 * @throws InvalidArgumentError when it answers no known word, likewise
 */
export function drive<S, R>(block: NativeBlock, work: BlockWork<S, R>): Promise<BlockEnd<R>> {
  return new Promise((resolve, reject) => new Run(block, work, resolve, reject).ask());
}

/** Makes its signal when it is asked for one: most steps never do, and it costs more than such a step. */
class Context implements StepContext {
  readonly index: number;
  readonly #run: Run<any, any>;
  #controller: AbortController | undefined;

  constructor(index: number, run: Run<any, any>) {
    this.index = index;
    this.#run = run;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#run.reason !== undefined) this.#controller.abort(this.#run.reason);
    }
    return this.#controller.signal;
  }

  /** Whether the step can hear that it is cancelled. */
  get hears(): boolean {
    return this.#controller !== undefined;
  }

  cancel(): void {
    this.#controller?.abort(this.#run.reason);
  }
}

/** A place for one step at a time. Its two functions are made once, and not for every step. */
class Slot<R> {
  index = 0;
  begun = 0;
  /** There while a step runs. */
  context: Context | undefined;
  readonly completed: (result: R) => void;
  readonly failed: (error: unknown) => void;

  constructor(run: Run<any, R>) {
    this.completed = (result) => run.ended(this, "completed", result, undefined);
    this.failed = (error) => run.ended(this, "failed", undefined, error);
  }
}

class Run<S, R> {
  /** Why steps are cancelled, once they are. */
  reason: unknown;
  readonly #block: NativeBlock;
  readonly #work: BlockWork<S, R>;
  readonly #resolve: (end: BlockEnd<R>) => void;
  readonly #reject: (error: unknown) => void;
  readonly #results: (StepResult<R> | undefined)[];
  readonly #quiet: boolean;
  readonly #slots: Slot<R>[] = [];
  readonly #free: Slot<R>[] = [];
  readonly #began = performance.now();
  /** When the event loop had its last turn, as far as is known. */
  #turn = this.#began;
  /** The first index that was not started, and the first that may not start yet. */
  #next = 0;
  #granted = 0;
  #running = 0;
  #completed = 0;
  #failed = 0;
  /** Of those that ended, how many the machine knows of. */
  #toldCompleted = 0;
  #toldFailed = 0;
  /** Whether the first step of all that ended succeeded. */
  #first: boolean | undefined;
  /** Whether steps are being started further up the stack. */
  #starts = false;
  /** Whether the machine is about to be asked. */
  #asks = false;
  /** Whether the function of a `custom` strategy has decided, or has broken down. */
  #decided = false;
  #broken: { error: unknown } | undefined;
  #verdict: OverallStatus | undefined;
  /** Cancelled steps that can hear it and have not ended. */
  readonly #awaited = new Set<Slot<R>>();
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Infinity;

  constructor(
    block: NativeBlock,
    work: BlockWork<S, R>,
    resolve: (end: BlockEnd<R>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#block = block;
    this.#work = work;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#results = new Array<StepResult<R> | undefined>(work.steps.length);
    this.#quiet = block.quiet;
    if (work.signal?.aborted) block.cancel();
    else work.signal?.addEventListener("abort", this.#abort, { once: true });
  }

  /** Tells the machine what ended, and does what it says. */
  readonly ask = (): void => {
    this.#asks = false;
    if (this.#verdict !== undefined) return;
    const block = this.#block;
    try {
      this.#tell(0);
    } catch (error) {
      this.#broken ??= { error };
      return this.#settle("failed");
    }
    const { verdict } = block;
    if (verdict != null) return this.#settle(verdict);
    this.#granted = block.to;
    this.#wakeAt(block.wake ?? Infinity);
    this.#start();
  };

  #tell(cancelled: number): void {
    const completed = this.#completed - this.#toldCompleted;
    const failed = this.#failed - this.#toldFailed;
    this.#toldCompleted = this.#completed;
    this.#toldFailed = this.#failed;
    this.#block.step(performance.now(), completed, failed, cancelled, this.#first ?? null);
  }

  /** A step has ended by itself. */
  ended(slot: Slot<R>, status: "completed" | "failed", result: R | undefined, error: unknown): void {
    if (this.#over) return;
    const time = performance.now();
    const executionTime = (time - slot.begun) / 1000;
    slot.context = undefined;
    this.#running--;
    if (this.reason !== undefined && status === "failed" && gaveUp(error, this.reason)) {
      this.#results[slot.index] = { status: "cancelled", result: undefined, error, executionTime };
    } else {
      this.#results[slot.index] = { status, result, error, executionTime } as StepResult<R>;
      if (status === "completed") this.#completed++;
      else this.#failed++;
    }
    if (this.#verdict !== undefined) {
      if (this.#awaited.delete(slot) && this.#awaited.size === 0) this.#finish();
      return;
    }
    this.#first ??= status === "completed";
    this.#free.push(slot);
    if (this.#work.custom !== undefined && !this.#decided) this.#decide(this.#work.custom, slot.index);
    if (this.#starts || this.#asks) return;
    // The first of this turn is told at once: when it decides, what else ends in the turn has lost. The others
    // are told together.
    if (!this.#quiet) this.ask();
    this.#goOn(time - this.#turn > TURN);
  }

  /** Starts what may start, until all places are taken or the event loop waits for its turn. */
  #start(): void {
    this.#starts = true;
    const ended = this.#completed + this.#failed;
    let late = false;
    let decides = false;
    while (this.#next < this.#granted && this.#running < this.#work.most && !late && !decides && this.#verdict === undefined) {
      const begun = performance.now();
      late = begun - this.#turn > TURN;
      if (!late) this.#launch(this.#next++, begun);
      // A step that did not wait may have decided the block: then no other starts.
      decides = !this.#quiet && this.#completed + this.#failed > ended;
    }
    this.#starts = false;
    if (late || this.#completed + this.#failed > ended) this.#goOn(late);
  }

  #launch(index: number, begun: number): void {
    const slot = this.#free.pop() ?? this.#place();
    const context = new Context(index, this);
    slot.index = index;
    slot.begun = begun;
    slot.context = context;
    this.#running++;
    let answer: R | PromiseLike<R>;
    let promise: Promise<R> | undefined;
    try {
      answer = this.#work.fn(this.#work.steps[index]!, context);
      promise = promised(answer);
    } catch (error) {
      return slot.failed(error);
    }
    if (promise === undefined) slot.completed(answer as R);
    else promise.then(slot.completed, slot.failed);
  }

  #place(): Slot<R> {
    const slot = new Slot(this);
    this.#slots.push(slot);
    return slot;
  }

  /** Once for all that end in this turn of the microtasks; when it is late, after the event loop had its own. */
  #goOn(late: boolean): void {
    if (this.#asks || this.#verdict !== undefined) return;
    this.#asks = true;
    if (!late) return void DONE.then(this.#refill);
    soon(() => {
      this.#turn = performance.now();
      this.#refill();
    });
  }

  /** Asks the machine where there is news for it: where no finish can decide, once all have ended. */
  readonly #refill = (): void => {
    const told = this.#toldCompleted + this.#toldFailed;
    const news = this.#quiet ? this.#next === this.#granted : this.#completed + this.#failed > told;
    if (news) return this.ask();
    this.#asks = false;
    this.#start();
  };

  /** Asks at that time though nothing ends. */
  #wakeAt(due: number): void {
    if (due === this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    if (due === Infinity) return;
    const wait = Math.min(Math.max(Math.ceil(due - performance.now()), 0), LONGEST_TIMER);
    this.#timer = setTimeout(() => {
      this.#due = Infinity;
      this.ask();
    }, wait);
  }

  #decide(custom: CustomStrategy<R>, index: number): void {
    try {
      const [completed, failed, results] = [this.#completed, this.#failed, this.#results];
      const answer = custom({ total: results.length, completed, failed, index, last: results[index]!, results });
      this.#decided = now(() => this.#block.answer(word(answer)));
    } catch (error) {
      this.#decided = true;
      this.#broken = { error };
      this.#block.cancel();
    }
  }

  readonly #abort = (): void => {
    this.#block.cancel();
    this.ask();
  };

  /** The verdict is there: what runs is cancelled, and what can hear that is waited for. */
  #settle(verdict: OverallStatus): void {
    this.#verdict = verdict;
    clearTimeout(this.#timer);
    if (this.#completed + this.#failed < this.#results.length) this.reason = this.#why(verdict);
    const running = this.#slots.filter(({ context }) => context !== undefined);
    for (const slot of running) if (slot.context!.hears) this.#awaited.add(slot);
    for (const slot of running) slot.context?.cancel();
    if (this.#awaited.size === 0) this.#finish();
    else this.#timer = setTimeout(() => this.#finish(), this.#work.cancelGrace);
  }

  #why(verdict: OverallStatus): unknown {
    const { signal } = this.#work;
    if (verdict === "cancelled" && signal?.aborted) return signal.reason;
    if (verdict === "timeout") return new DOMException("the time of the block is over", "TimeoutError");
    return new DOMException("the block is decided without this step", "AbortError");
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#work.signal?.removeEventListener("abort", this.#abort);
    const block = this.#block;
    try {
      if (this.#broken !== undefined) return this.#reject(broken(this.#broken.error));
      // Those that were granted and have not ended, or have not even begun.
      this.#tell(this.#granted - this.#completed - this.#failed);
      const { completed, failed, cancelled } = block;
      const executionTime = (performance.now() - this.#began) / 1000;
      if (cancelled > 0) this.#fill();
      const results = this.#results as StepResult<R>[];
      this.#resolve({ status: this.#verdict!, completed, failed, cancelled, executionTime, results });
    } catch (error) {
      this.#reject(raised(error));
    } finally {
      block.free?.();
    }
  }

  /** Writes down what was cancelled and has told nothing. */
  #fill(): void {
    const results = this.#results;
    const time = performance.now();
    const cancelled = (executionTime: number) =>
      ({ status: "cancelled", result: undefined, error: this.reason, executionTime }) as const;
    for (const { context, index, begun } of this.#slots) {
      if (context !== undefined) results[index] = cancelled((time - begun) / 1000);
    }
    for (let at = 0; at < results.length; at++) results[at] ??= cancelled(0);
  }
}

/**
 * The promise of what has to be awaited; nothing where it is the answer itself. Whatever else has a `then` of its
 * own is heard once, and later.
 */
export function promised<R>(answer: R | PromiseLike<R>): Promise<R> | undefined {
  if (answer instanceof Promise && answer.then === Promise.prototype.then) return answer;
  if (typeof (answer as PromiseLike<R> | null | undefined)?.then !== "function") return undefined;
  return new Promise((resolve) => resolve(answer));
}

/** Whether a step rejects because it was cancelled, and for nothing else. */
function gaveUp(error: unknown, reason: unknown): boolean {
  return error === reason || (error as { name?: unknown } | null | undefined)?.name === "AbortError";
}

function word(answer: unknown): string {
  if (answer === undefined || answer === null) return "keep_going";
  if (typeof answer === "boolean") return answer ? "satisfied" : "failed";
  if (typeof answer === "string") return answer;
  throw invalid("custom", `must answer a word, true, false or nothing, not ${typeof answer}`);
}

/** What the function of a `custom` strategy threw, or a refusal of what it answered. */
function broken(error: unknown): unknown {
  const typed = raised(error);
  if (typed instanceof Error && (typed as { code?: unknown }).code === "invalid_argument") return typed;
  const said = error instanceof Error ? error.message : String(error);
  return new ParallelExecutionError(`custom: the function threw: ${said}`, { fields: { field: "custom" }, cause: error });
}
