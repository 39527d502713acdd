/**
 * The interface that every execution engine has.
 *
 * @module
 */

/** Base of all execution engines: whoever takes one takes any of them, and one of yours. */
export abstract class ExecutorInterface {
  constructor() {
    for (const name of ["execute", "healthCheck"] as const) {
      if (typeof this[name] !== "function") throw new TypeError(`${new.target.name} has no method ${name}`);
    }
  }

  /** Executes a task; what a task is, and what comes of it, is the engine's to say. */
  abstract execute(task: any, context?: Record<string, any>): Promise<any>;

  /** How the engine does; `status` is `healthy` as long as it takes work. */
  abstract healthCheck(): Promise<Record<string, any>>;
}
