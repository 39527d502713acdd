/**
 * Tests of vitest that are given a client: `import { test } from "windlass/vitest"`.
 *
 * @module
 */

import { test as plain } from "vitest";
import { type ClientFixture, clientFixture } from "./testing.js";

/** `test` of vitest with `client`: a `TestClient` of its own for each test that asks for one. */
export const test = plain.extend<ClientFixture>(clientFixture);

/** Another name for it. */
export const it = test;
