/**
 * JSON text of values, exactly: what JSON cannot say is refused and never left out.
 *
 * @module
 */

import { type WindlassError, fromCode } from "./generated/errors.js";

/** Levels that core takes at most; one more than that is looked at before a cycle is suspected. */
const LEVELS = 128;

/** Makes the error for a value without a JSON form. */
type Refuse = (field: string, reason: string) => WindlassError;

function refusePayload(field: string, reason: string): WindlassError {
  return fromCode("invalid_payload", `${field} is not valid: ${reason}`, { field, reason });
}

/**
 * JSON text of `value`. `toJSON` is heard, as by `JSON.stringify`.
 *
 * Refused with `invalid_payload` that names the place: `undefined`, functions, symbols, BigInt, NaN
 * and infinities, cycles, maps and sets.
 */
export function jsonText(field: string, value: unknown, refuse: Refuse = refusePayload): string {
  try {
    check(value, "", 0);
    const text: string | undefined = JSON.stringify(value);
    // A `toJSON` that changed its mind.
    if (text === undefined) throw new NoJson("the value has no JSON form");
    return text;
  } catch (thrown) {
    if (thrown instanceof NoJson) throw refuse(field, thrown.message);
    // A cycle below many levels, or a `toJSON` or a getter that throws.
    throw refuse(field, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

class NoJson extends Error {}

function check(value: unknown, place: string, level: number): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw new NoJson(`${at(place)} is ${value}, which JSON does not have`);
    case "object":
      return value === null ? undefined : within(value, place, level);
    case "bigint":
      throw new NoJson(`${at(place)} is a BigInt, which has no JSON form: make it a string`);
    default:
      throw new NoJson(`${at(place)} is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}, which has no JSON form`);
  }
}

function within(value: object, place: string, level: number): void {
  // Deeper than core takes, or a cycle: `JSON.stringify` knows which.
  if (level >= LEVELS) return;
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw new NoJson(`${at(place)} is an invalid Date`);
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    // `JSON.stringify` asks again; what it is told then is the same.
    const told = (value as { toJSON(key: string): unknown }).toJSON(place);
    if (told !== value) return check(told, place, level + 1);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], `${place}[${i}]`, level + 1);
    return;
  }
  if (value instanceof Map || value instanceof Set) {
    throw new NoJson(`${at(place)} is a ${value.constructor.name}, which has no JSON form`);
  }
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return check(value.valueOf(), place, level);
  }
  for (const key of Object.keys(value)) {
    check((value as Record<string, unknown>)[key], place === "" ? key : `${place}.${key}`, level + 1);
  }
}

function at(place: string): string {
  return place === "" ? "the value" : place;
}
