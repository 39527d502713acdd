/**
 * Small parts that every page uses.
 *
 * @module
 */

import { useComputed } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Counts, TaskState } from "windlass-web";
import { explain, isRefused } from "../live/failure.js";
import { now } from "../live/clock.js";
import { tryNow } from "../live/keep.js";
import { exact, relative } from "../words.js";
import { Icon } from "./icon.js";

/** Where a task stands: a shape, a colour and the word. */
export function Status({ status, asked = false }: { status: TaskState; asked?: boolean }) {
  return (
    <span class={`status status-${status}`}>
      <i aria-hidden="true" />
      {asked && status === "running" ? "cancelling" : status}
    </span>
  );
}

/** A label: as much of both as there is room for, all of it when the pointer rests on it. */
export function Label({ name, value, href }: { name: string; value: string; href?: string }) {
  const body = (
    <>
      <b>{name}</b> <span>{value}</span>
    </>
  );
  const title = `${name}=${value}`;
  return href === undefined ? <span class="label" title={title}>{body}</span> : <a class="label" href={href} title={title}>{body}</a>;
}

/** How long ago, or in how long; exactly when the pointer rests on it. */
export function Time({ at }: { at: Date }) {
  const ms = at.getTime();
  const text = useComputed(() => relative(ms, now.value));
  return (
    <time dateTime={at.toISOString()} title={exact(at)}>
      {text}
    </time>
  );
}

/** Something with a heading. */
export function Card(props: { title: string; aside?: ComponentChildren; class?: string; children: ComponentChildren }) {
  return (
    <section class={`card ${props.class ?? ""}`} aria-label={props.title}>
      <header class="card-head">
        <h2>{props.title}</h2>
        {props.aside !== undefined && <div class="card-aside">{props.aside}</div>}
      </header>
      {props.children}
    </section>
  );
}

/** There is nothing here, and what makes something be here. */
export function Empty({ title, children, command }: { title: string; children?: ComponentChildren; command?: string | undefined }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
      {command !== undefined && (
        <p class="command">
          <code>{command}</code>
          <Copy text={command} what="command" />
        </p>
      )}
    </div>
  );
}

/** What went wrong, what to do, and once more. */
export function Problem({ error, again }: { error: unknown; again?: () => void }) {
  // The key is asked for above the page.
  if (isRefused(error)) return <Waiting />;
  const { title, advice, code } = explain(error);
  return (
    <div class="problem" role="alert">
      <p class="empty-title">{title}</p>
      <p>{advice}</p>
      {code !== "unknown" && <p class="faint mono">{code}</p>}
      {again !== undefined && (
        <button
          type="button"
          onClick={() => {
            tryNow();
            again();
          }}
        >
          <Icon name="retry" /> Try again
        </button>
      )}
    </div>
  );
}

/** Lines where something will be. */
export function Waiting({ lines = 4 }: { lines?: number }) {
  return (
    <div class="waiting" aria-busy="true">
      <span class="unseen">loading</span>
      {Array.from({ length: lines }, (_, i) => (
        <i key={i} aria-hidden="true" />
      ))}
    </div>
  );
}

/** Copies a text. */
export function Copy({ text, what, children }: { text: string | (() => string); what: string; children?: ComponentChildren }) {
  const [done, tell] = useState<"" | "copied" | "failed">("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      tell("copied");
    } catch {
      // Only pages of a safe origin may; over plain HTTP from elsewhere it is forbidden.
      tell("failed");
    }
    setTimeout(() => tell(""), 1_600);
  };
  const label = done === "" ? `copy ${what}` : done;
  return (
    <button type="button" class="quiet small" onClick={copy} aria-label={label} title={label}>
      <Icon name={done === "copied" ? "check" : done === "failed" ? "close" : "copy"} />
      {children}
    </button>
  );
}

/** Shares of a whole, one colour for each status. */
export function Shares({ counts, label }: { counts: Counts; label: string }) {
  return <Bar counts={counts} order={["running", "pending", "scheduled", "blocked", "completed", "cancelled", "failed"]} label={label} />;
}

/** Statuses of tasks that have not ended. */
const OPEN = ["running", "pending", "scheduled", "blocked"] as const;

/** Tasks that have not ended. */
export const open = (counts: Counts) => OPEN.reduce((sum, status) => sum + (counts[status] ?? 0), 0);

/** How much there is to do, beside the most of all: `most`. */
export function Depth({ counts, most, label }: { counts: Counts; most: number; label: string }) {
  return <Bar counts={counts} order={OPEN} most={most} label={label} />;
}

function Bar({ counts, order, most, label }: { counts: Counts; order: readonly TaskState[]; most?: number; label: string }) {
  const total = most ?? order.reduce((sum, status) => sum + (counts[status] ?? 0), 0);
  const text = order.filter((status) => counts[status]).map((status) => `${counts[status]} ${status}`);
  let x = 0;
  return (
    <svg class="shares" viewBox="0 0 100 4" preserveAspectRatio="none" role="img" aria-label={`${label}: ${text.join(", ") || "none"}`}>
      {order.map((status) => {
        const n = counts[status] ?? 0;
        if (n === 0) return null;
        // The smallest share is still seen.
        const width = Math.max((n / Math.max(total, 1)) * 100, 0.8);
        const at = x;
        x += width;
        return <rect key={status} class={`fill-${status}`} x={at} y="0" width={width} height="4" />;
      })}
    </svg>
  );
}

/** How far something is. */
export function Progress({ percent, label }: { percent: number; label: string }) {
  return <progress class="progress" max={100} value={percent} aria-label={label} />;
}
