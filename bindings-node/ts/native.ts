/**
 * The native addon. A package for another platform brings a file of this name with the same exports.
 *
 * @module
 */

// Both builds lie as deep; no other path holds for the two of them.
import loaded from "../../native.cjs";
import type { NativeClient, NativeDynamicRules, NativeMachine, NativeModule, NativeRules, NativeWorker } from "./surface.js";

export type * from "./surface.js";

export const native: NativeModule = loaded as NativeModule;

/** Version of the engine within. */
export const version: string = native.version();

/** Begins to work; `config` is JSON text of an object. */
export function startWorker(client: NativeClient, config: string): NativeWorker | Promise<NativeWorker> {
  return new native.Worker(client, config);
}

/** What needs no client. */
export function rules(): NativeRules | Promise<NativeRules> {
  return native;
}

/** What a dynamic executor needs. */
export function dynamicRules(): NativeDynamicRules | Promise<NativeDynamicRules> {
  return native;
}

/** This machine, or the container on it. */
export function machine(): NativeMachine {
  return new native.Machine();
}
