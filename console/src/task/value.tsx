/**
 * A JSON value that is somebody's own: folded, and its contents masked until somebody asks.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { Icon } from "../parts/icon.js";
import { Card, Copy } from "../parts/small.js";
import { bytes, count } from "../words.js";

/** Characters that are shown; the rest can be copied. */
const SHOWN = 100_000;
const MASK = "•••";

/** The value, folded. */
export function Value({ title, value }: { title: string; value: unknown }) {
  const [open, fold] = useState(false);
  const [plain, reveal] = useState(false);
  const text = JSON.stringify(value, null, 2) ?? "null";
  const size = new Blob([JSON.stringify(value) ?? "null"]).size;
  const shown = plain ? text : JSON.stringify(masked(value), null, 2);
  const aside = (
    <>
      {open && (
        <button type="button" class="quiet small" aria-pressed={plain} onClick={() => reveal(!plain)}>
          <Icon name={plain ? "hidden" : "eye"} /> {plain ? "Mask" : "Reveal"}
        </button>
      )}
      <Copy what={title.toLowerCase()} text={text} />
      <button type="button" class="quiet small" aria-expanded={open} onClick={() => fold(!open)}>
        {open ? "Fold" : "Unfold"}
      </button>
    </>
  );
  return (
    <Card title={title} aside={aside} class="value">
      <p class="faint value-shape">
        {shape(value)} · {bytes(size)}
        {!open && " · folded"}
      </p>
      {open && (
        <pre class="code" tabIndex={0} aria-label={plain ? title : `${title}, masked`}>
          {escaped(shown.slice(0, SHOWN))}
          {shown.length > SHOWN && `\n… ${count(shown.length - SHOWN)} more characters: copy it to see them`}
        </pre>
      )}
    </Card>
  );
}

/** The same JSON with letters that turn the direction of writing spelled out: they would show another value. */
function escaped(json: string): string {
  return json.replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What kind of value it is, without what it says. */
function shape(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `list of ${count(value.length)}`;
  if (typeof value === "object") {
    const keys = Object.keys(value).length;
    return `object with ${keys === 1 ? "1 key" : `${count(keys)} keys`}`;
  }
  return typeof value === "string" ? "text" : typeof value;
}

/** The same shape with nothing in it. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.length > 20 ? [...value.slice(0, 20).map(masked), `${MASK} ${value.length - 20} more`] : value.map(masked);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, masked(one)]));
  }
  return value === null ? null : MASK;
}
