/**
 * A durable task engine in the browser: a client of a server, or the engine itself in the page.
 *
 * @module
 */

export * from "./shown.js";
