/**
 * JSON text of values, exactly: what JSON cannot say is refused and never left out.
 *
 * @module
 */

import { type WindlassError, fromCode } from "./generated/errors.js";

/** Makes the error for a value without a JSON form. */
type Refuse = (field: string, reason: string) => WindlassError;

function refusePayload(field: string, reason: string): WindlassError {
  return fromCode("invalid_payload", `${field} is not valid: ${reason}`, { field, reason });
}

/**
 * JSON text of `value`. `toJSON` is heard, as by `JSON.stringify`.
 *
 * Refused with `invalid_payload` that names the place: `undefined`, functions, symbols, BigInt, NaN
 * and infinities, cycles, maps, sets and binary data.
 */
export function jsonText(field: string, value: unknown, refuse: Refuse = refusePayload): string {
  try {
    const text = written(value);
    // What can be written has no cycle, so that looking at all of it comes to an end.
    if (text === undefined || !isPlain(value)) check(value, "", new Set());
    // A `toJSON` that changed its mind.
    if (text === undefined) throw new NoJson("the value has no JSON form");
    return text;
  } catch (thrown) {
    if (thrown instanceof NoJson) throw refuse(field, thrown.message);
    // A `toJSON` or a getter that throws.
    throw refuse(field, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/**
 * JSON text of a record of the wire. What its reader leaves out may be `undefined` here.
 *
 * @throws InvalidArgumentError for what has no JSON text, like a BigInt or a cycle
 */
export function recordText(field: string, record: unknown): string {
  let reason = "must be a record";
  try {
    const text = JSON.stringify(record);
    if (text !== undefined) return text;
  } catch (thrown) {
    reason = thrown instanceof Error ? thrown.message : String(thrown);
  }
  throw fromCode("invalid_argument", `${field}: ${reason}`, { field, reason });
}

function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    check(value, "", new Set());
    throw thrown;
  }
}

/**
 * Whether `value`, which has no cycle, is nothing but JSON: then `JSON.stringify` leaves nothing out.
 * Most values are; where one is not, `check` finds the place.
 */
export function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value);
    case "object":
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if ("toJSON" in value) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i])) return false;
    return true;
  }
  const above: unknown = Object.getPrototypeOf(value);
  if (above !== Object.prototype && above !== null) return false;
  for (const key in value) if (!isPlain((value as Record<string, unknown>)[key])) return false;
  return true;
}

class NoJson extends Error {}

/** `above` are the objects that hold this value. */
function check(value: unknown, place: string, above: Set<object>): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw new NoJson(`${at(place)} is ${value}, which JSON does not have`);
    case "object":
      if (value === null) return;
      if (above.has(value)) throw new NoJson(`${at(place)} is circular: it is within itself`);
      above.add(value);
      within(value, place, above);
      above.delete(value);
      return;
    case "bigint":
      throw new NoJson(`${at(place)} is a BigInt, which has no JSON form: make it a string`);
    default:
      throw new NoJson(`${at(place)} is ${typeof value === "undefined" ? "undefined" : `a ${typeof value}`}, which has no JSON form`);
  }
}

function within(value: object, place: string, above: Set<object>): void {
  if (value instanceof Date && Number.isNaN(value.getTime())) {
    throw new NoJson(`${at(place)} is an invalid Date`);
  }
  // Before a `toJSON`: Node's `Buffer` has one, which makes a list of numbers of it.
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    throw new NoJson(`${at(place)} is binary data (${value.constructor.name}), which has no JSON form: make it a string, as base64`);
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    // `JSON.stringify` asks again; what it is told then is the same.
    const told = (value as { toJSON(key: string): unknown }).toJSON(place);
    if (told !== value) return check(told, place, above);
  }
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], `${place}[${i}]`, above);
    return;
  }
  if (value instanceof Map || value instanceof Set) {
    throw new NoJson(`${at(place)} is a ${value.constructor.name}, which has no JSON form`);
  }
  if (value instanceof String || value instanceof Number || value instanceof Boolean) {
    return check(value.valueOf(), place, above);
  }
  for (const key of Object.keys(value)) {
    check((value as Record<string, unknown>)[key], place === "" ? key : `${place}.${key}`, above);
  }
}

function at(place: string): string {
  return place === "" ? "the value" : place;
}
