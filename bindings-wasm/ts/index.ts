/**
 * A durable task engine in the browser: a client of a server, or the engine itself in the page.
 *
 * @module
 */

export * from "./shown.js";
// These take the place of the shared ones of the same names.
export { Client, type OutboxOptions, type WebConnectOptions, connect } from "./outbox/client.js";
export type { OfflineTaskOptions, OutboxEntry, QueuedSubmission } from "./outbox/entry.js";
export type { Outbox } from "./outbox/outbox.js";
