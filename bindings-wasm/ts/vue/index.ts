/**
 * Tasks in Vue: composables that submit, follow and show them.
 *
 * @module
 */

export { createWindlass, provideWindlass, useClient, WindlassProvider } from "./provide.js";
export { type TaskRefs, type WindlassTask, useSubmit, useTask, useWindlassTask } from "./task.js";
export { useOutbox } from "./outbox.js";
export type { TaskView } from "../observe/view.js";
export type { ConnectionOptions } from "../observe/connection.js";
