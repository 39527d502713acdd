/**
 * One run of tasks with dependencies: core's machine decides what starts and how many run at once; here are the
 * calls, the clock and the measuring.
 *
 * @module
 */

import type { DynamicMetrics, ExecutionTask, TaskContext } from "./dynamic.js";
import { now, raised } from "./failure.js";
import { TaskCancelledError, TaskTimeoutError } from "./generated/errors.js";
import { machine } from "./native.js";
import { promised } from "./parallel-run.js";
import { soon } from "./platform.js";
import type { NativeDynamic, NativeDynamicRules, NativeMachine } from "./surface.js";

/** Milliseconds that tasks which never wait keep the event loop before timers and sockets have their turn. */
const TURN = 10;
/** How often the machine is measured while tasks run, in milliseconds. */
const MEASURE = 250;
/** The longest that a timer waits, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1;
const DONE = Promise.resolve();

/** Core's numbers, in its order. */
const NUMBERS = [
  "total",
  "completed",
  "failed",
  "timedOut",
  "cancelled",
  "running",
  "waiting",
  "wallSeconds",
  "throughputPerSecond",
  "averageSeconds",
  "p95Seconds",
  "averageWaitSeconds",
  "utilisation",
  "workers",
  "peakWorkers",
  "peakReservedMb",
  "peakMemoryMb",
  "processors",
  "memoryWaitSeconds",
  "longestChainSeconds",
] as const satisfies readonly (keyof DynamicMetrics)[];

/** What a pool is told. */
export interface PoolSettings {
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly memoryLimitMb: number | null;
  readonly logger: { warn(text: string): void } | undefined;
}

/** Rings once, at an instant of `performance.now`. */
class Alarm {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due = Infinity;

  /** One that does not keep the process alive rings only while something else does. */
  set(due: number, run: () => void, keepsAlive = true): void {
    clearTimeout(this.#timer);
    this.#due = due;
    if (due === Infinity) return;
    const wait = Math.min(Math.max(Math.ceil(due - performance.now()), 0), LONGEST_TIMER);
    this.#timer = setTimeout(() => (performance.now() < this.#due ? this.set(due, run, keepsAlive) : run()), wait);
    if (!keepsAlive) (this.#timer as { unref?(): void }).unref?.();
  }

  stop(): void {
    this.set(Infinity, () => {});
  }
}

/** What a task is told, and whether anybody waits for it still. */
class Running implements TaskContext {
  readonly taskId: string;
  /** Why nobody waits for it any more. */
  reason: Error | undefined;
  #controller: AbortController | undefined;

  constructor(taskId: string) {
    this.taskId = taskId;
  }

  /** Made when it is asked for: most tasks never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.reason !== undefined) this.#controller.abort(this.reason);
    }
    return this.#controller.signal;
  }

  giveUp(reason: Error): void {
    this.reason = reason;
    this.#controller?.abort(reason);
  }
}

/** Tasks, and what became of them. */
export class Run {
  readonly results = new Map<string, unknown>();
  readonly errors = new Map<string, unknown>();
  /** Whether the time of the whole run was over. */
  isTimedOut = false;
  readonly #dynamic: NativeDynamic;
  readonly #machine: NativeMachine = machine();
  readonly #logger: PoolSettings["logger"];
  readonly #tasks: ExecutionTask[] = [];
  /** Started by core, and not called yet. */
  #ready: number[] = [];
  readonly #running = new Map<number, Running>();
  readonly #waiting = new Set<() => void>();
  readonly #wake = new Alarm();
  readonly #deadline = new Alarm();
  #measuring: ReturnType<typeof setInterval> | undefined;
  #open = 0;
  /** When the event loop had its last turn, as far as is known. */
  #turn = performance.now();
  /** Whether core is about to be asked. */
  #asks = false;
  /** Whether tasks are being called further up the stack, or once the event loop had its turn. */
  #calls = false;

  /** @throws InvalidArgumentError */
  constructor(rules: NativeDynamicRules, settings: PoolSettings) {
    const { coresLogical, memoryGb } = this.#machine;
    // Where nobody knows how much memory there is, there is no limit.
    const limit = settings.memoryLimitMb ?? (memoryGb > 0 ? memoryGb * 1024 : null);
    this.#dynamic = now(() => new rules.Dynamic(settings.minWorkers, settings.maxWorkers, coresLogical, limit));
    this.#logger = settings.logger;
  }

  /** Takes tasks in, all or none; they may run so many seconds together. Throws InvalidArgumentError. */
  add(tasks: readonly ExecutionTask[], timeout: number | null = null): void {
    const time = performance.now();
    now(() => {
      for (const { taskId, priority, dependencies, memoryRequirementMb, timeoutSeconds, estimatedDuration } of tasks) {
        this.#dynamic.push(taskId, String(priority), [...dependencies], memoryRequirementMb, timeoutSeconds, estimatedDuration);
      }
      this.#dynamic.add(time);
    });
    this.#tasks.push(...tasks);
    if (timeout !== null) this.#deadline.set(time + timeout * 1000, this.#overdue);
    this.#step();
  }

  /** Waits until every task has ended; false when so many seconds pass first. */
  wait(timeout: number | null): Promise<boolean> {
    if (this.isOver) return Promise.resolve(true);
    return new Promise((resolve) => {
      const alarm = new Alarm();
      const ended = () => {
        alarm.stop();
        this.#waiting.delete(ended);
        resolve(this.isOver);
      };
      this.#waiting.add(ended);
      if (timeout !== null) alarm.set(performance.now() + timeout * 1000, ended);
    });
  }

  /** Every task has ended. */
  get isOver(): boolean {
    return this.#open === 0;
  }

  metrics(): DynamicMetrics {
    const numbers = [...this.#dynamic.metrics(performance.now())];
    const metrics = Object.fromEntries(NUMBERS.map((name, at) => [name, numbers[at]!]));
    let abandonedTasks = 0;
    for (const { reason } of this.#running.values()) if (reason !== undefined) abandonedTasks++;
    return { ...metrics, abandonedTasks } as unknown as DynamicMetrics;
  }

  recommendations(): string[] {
    return this.#dynamic.recommendations(performance.now());
  }

  /** Cancels what has not ended. */
  cancel(reason: string): void {
    // What has ended by now is told first: it is not cancelled.
    this.#plan();
    for (const place of this.#dynamic.cancel(performance.now())) {
      this.#dynamic.ended(place, null);
      this.#giveUp(place, this.#cancelled(place, reason));
    }
    this.#step(reason);
  }

  readonly #overdue = (): void => {
    if (this.isOver) return;
    this.isTimedOut = true;
    this.cancel("the time of the run was over");
  };

  readonly #step = (reason?: string): void => {
    this.#asks = false;
    this.#plan(reason);
    const { wake } = this.#dynamic;
    // A pool without tasks shrinks while the process lives, and does not keep it alive for that.
    this.#wake.set(wake ?? Infinity, this.#step, !this.isOver);
    if (this.isOver) this.#rest();
    else this.#measuring ??= this.#measured();
    this.#call();
  };

  /** Tells core what ended, and takes in what it says; nothing is called yet. */
  #plan(reason?: string): void {
    const dynamic = this.#dynamic;
    now(() => dynamic.step(performance.now()));
    let begins = true;
    for (const place of dynamic.timedOut) {
      const task = this.#tasks[place]!;
      this.#logger?.warn(`task ${task.taskId} ran longer than its timeout`);
      if (this.#giveUp(place, overdue(task))) continue;
      dynamic.ended(place, false);
      begins = false;
    }
    for (const place of dynamic.cancelled) this.#fail(place, this.#cancelled(place, reason));
    for (const place of dynamic.start) this.#ready.push(place);
    this.#open = dynamic.open;
    // Those that were never called have ended already: their memory is free.
    if (!begins) this.#plan(reason);
  }

  /** Nobody waits for a task any more. False when it was not called yet; then it never is. */
  #giveUp(place: number, error: Error): boolean {
    this.#fail(place, error);
    const running = this.#running.get(place);
    if (running === undefined) this.#ready = this.#ready.filter((other) => other !== place);
    running?.giveUp(error);
    return running !== undefined;
  }

  /** Calls what was started, until the event loop waits for its turn. */
  #call(): void {
    if (this.#calls) return;
    this.#calls = true;
    while (this.#ready.length > 0) {
      if (this.#isLate()) return this.#afterTurn(() => {
        this.#calls = false;
        this.#call();
      });
      this.#begin(this.#ready.shift()!);
    }
    this.#calls = false;
  }

  #begin(place: number): void {
    const task = this.#tasks[place]!;
    const running = new Running(task.taskId);
    this.#running.set(place, running);
    let promise: Promise<unknown> | undefined;
    let value: unknown;
    try {
      value = task.fn(...task.args, running);
      promise = promised(value);
    } catch (error) {
      return this.#ended(place, false, error);
    }
    if (promise === undefined) return this.#ended(place, true, value);
    promise.then(
      (value) => this.#ended(place, true, value),
      (error) => this.#ended(place, false, error),
    );
  }

  #ended(place: number, completed: boolean, value: unknown): void {
    const { reason } = this.#running.get(place)!;
    this.#running.delete(place);
    if (reason === undefined) {
      if (completed) this.results.set(this.#tasks[place]!.taskId, value);
      else this.#fail(place, raised(value));
    } else if (!(reason instanceof TaskTimeoutError)) {
      // Core knows that it was cancelled.
      return;
    }
    // After its timeout this frees its memory, and says nothing else.
    this.#dynamic.ended(place, completed);
    this.#ask();
  }

  /** Once for all that end in this turn of the microtasks; when it is late, after the event loop had its own. */
  #ask(): void {
    if (this.#asks) return;
    this.#asks = true;
    if (this.#isLate()) this.#afterTurn(() => this.#step());
    else void DONE.then(() => this.#step());
  }

  #isLate(): boolean {
    return performance.now() - this.#turn > TURN;
  }

  #afterTurn(run: () => void): void {
    soon(() => {
      this.#turn = performance.now();
      run();
    });
  }

  #measured(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      const [processors = NaN, memory = NaN, residentBytes = 0] = this.#machine.busy();
      this.#dynamic.measured(processors, memory, residentBytes);
      this.#step();
    }, MEASURE);
    (timer as { unref?(): void }).unref?.();
    return timer;
  }

  #rest(): void {
    clearInterval(this.#measuring);
    this.#measuring = undefined;
    this.#deadline.stop();
    for (const ended of [...this.#waiting]) ended();
  }

  #fail(place: number, error: unknown): void {
    this.errors.set(this.#tasks[place]!.taskId, error);
  }

  #cancelled(place: number, reason: string | undefined): TaskCancelledError {
    const { taskId, dependencies } = this.#tasks[place]!;
    const lost = dependencies.find((name) => this.errors.has(name)) ?? "another";
    const why = reason ?? `it depends on task ${lost}, which did not complete`;
    return new TaskCancelledError(`task ${taskId} was cancelled: ${why}`, { fields: { task_id: taskId } });
  }
}

function overdue({ taskId, timeoutSeconds }: ExecutionTask): TaskTimeoutError {
  const fields = { task_id: taskId, timeout_seconds: timeoutSeconds };
  return new TaskTimeoutError(`task ${taskId} ran longer than ${timeoutSeconds} seconds`, { fields });
}
