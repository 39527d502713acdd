/**
 * For tests of handlers and of what submits tasks: a clock that is moved by hand, and a client of a store
 * of its own.
 *
 * @module
 */

export { ManualClock } from "./clock.js";
export { type ClientFixture, TestClient, type TestScope, clientFixture, testClient } from "./test-client.js";
