/**
 * What a handler can say instead of returning a result: throw one of these, or return it.
 *
 * @module
 */

// Every copy of this file has the same symbol: an outcome of the CJS build is one for the ESM build.
const OUTCOME = Symbol.for("windlass.outcome");

/** Base of what a handler says about its attempt. */
export abstract class Outcome {
  /** @internal */
  get [OUTCOME](): true {
    return true;
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    if (this !== Outcome) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && OUTCOME in value;
  }

  /** @internal The outcome as native code reads it. */
  abstract record(): object;
}

/** Run the task again, after `after` seconds or by its retry policy. Counts as an attempt. */
export class Retry extends Outcome {
  readonly message: string;
  readonly after: number | undefined;

  constructor(message = "the handler asked for another attempt", { after }: { after?: number } = {}) {
    super();
    this.message = message;
    this.after = after;
  }

  record(): object {
    const error = { code: "handler_error", message: this.message, error_type: "Retry" };
    return { outcome: "retry", after_seconds: this.after ?? null, error };
  }
}

/** Run the task again after `after` seconds. Does not count as an attempt. */
export class Snooze extends Outcome {
  readonly after: number;

  constructor(after: number) {
    super();
    this.after = after;
  }

  record(): object {
    return { outcome: "snooze", after_seconds: this.after };
  }
}

/** Cancel the task. */
export class Cancel extends Outcome {
  readonly reason: string | undefined;

  constructor(reason?: string) {
    super();
    this.reason = reason;
  }

  record(): object {
    return { outcome: "cancel", reason: this.reason ?? null };
  }
}

/** Fail the task for good: it is not retried. */
export class Fail extends Outcome {
  readonly message: string;

  constructor(message: string) {
    super();
    this.message = message;
  }

  record(): object {
    const error = { code: "handler_error", message: this.message, error_type: "Fail", retryable: false };
    return { outcome: "fail", error };
  }
}
