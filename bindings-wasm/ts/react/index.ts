/**
 * Tasks in React: hooks that submit, follow and show them.
 *
 * @module
 */

export { WindlassProvider, type WindlassProviderProps, useClient } from "./provider.js";
export { type WindlassTask, useSubmit, useTask, useWindlassTask } from "./task.js";
export { useOutbox } from "./outbox.js";
export type { TaskView } from "../observe/view.js";
