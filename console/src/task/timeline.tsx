/**
 * The life of a task as a picture: one row for each attempt, what it waited and how long it ran.
 *
 * @module
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { FINAL_STATES, type Task, type TaskUpdate } from "windlass-web";
import { now } from "../live/clock.js";
import { duration, exact } from "../words.js";
import type { History } from "./history.js";
import { type Span, type Turn, marks, turns } from "./spans.js";

const ROW = 30;
const BAR = 14;
const HEAD = 22;
/** Rows beyond which only the first ones and the last are drawn. */
const ROWS = 14;

/** The picture, and the same in words for whoever does not see it. */
export function Timeline({ task, history }: { task: Task; history: History }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const all = turns(task, history.changes);
  const begin = all[0]?.spans[0]?.from ?? task.createdAt.getTime();
  const live = !FINAL_STATES.includes(task.status);
  const end = live ? Math.max(now.value, begin + 1) : endOf(task, history.changes, begin);
  const shown = all.length <= ROWS ? all : [...all.slice(0, 3), ...all.slice(-(ROWS - 3))];
  const left = width < 480 ? 26 : 76;
  const right = width < 480 ? 8 : 84;
  const wide = Math.max(width - left - right, 40);
  const seconds = Math.max((end - begin) / 1000, 0.001);
  const x = (at: number) => left + (Math.min(Math.max(at - begin, 0), end - begin) / 1000 / seconds) * wide;
  const height = HEAD + shown.length * ROW + 4;

  return (
    <div class="timeline">
      <div ref={box} />
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={summary(all, seconds, live)}>
          {marks(seconds, Math.max(Math.floor(wide / 84), 1)).map((mark) => (
            <g key={mark} class="axis">
              <line x1={x(begin + mark * 1000)} x2={x(begin + mark * 1000)} y1={HEAD - 4} y2={height} />
              <text x={x(begin + mark * 1000)} y={12} text-anchor={mark === 0 ? "start" : "middle"}>
                {mark === 0 ? "0" : `+${duration(mark)}`}
              </text>
            </g>
          ))}
          {shown.map((turn, row) => (
            <g key={turn.attempt} transform={`translate(0 ${HEAD + row * ROW})`}>
              <text class="turn-name" x={0} y={ROW / 2 + 4}>
                {width < 480 ? turn.attempt : `Attempt ${turn.attempt}`}
              </text>
              {turn.spans.map((span) => (
                <Bar key={`${span.status} ${span.from}`} span={span} from={x(span.from)} to={x(span.to ?? end)} end={end} />
              ))}
              {row === shown.length - 1 && <Reports reports={history.reports} turn={turn} x={x} />}
              {width >= 480 && <Ran turn={turn} end={end} x={Math.min(x(turn.spans.at(-1)!.to ?? end) + 8, left + wide + 8)} />}
            </g>
          ))}
          {live && <line class="now" x1={x(end)} x2={x(end)} y1={HEAD - 4} y2={height} />}
        </svg>
      )}
      {all.length > ROWS && <p class="faint">{all.length - ROWS} attempts in between are not drawn.</p>}
      <ul class="legend" aria-hidden="true">
        {[...new Set(all.flatMap(({ spans }) => spans.map(kind)))].map((name) => (
          <li key={name}>
            <i class={`bar-${name}`} />
            {NAMES[name]}
          </li>
        ))}
      </ul>
    </div>
  );
}

type Kind = "scheduled" | "blocked" | "pending" | "running" | "completed" | "failed" | "cancelled" | "back";

const NAMES: Record<Kind, string> = {
  scheduled: "waited for its time",
  blocked: "waited for others",
  pending: "waited for a worker",
  running: "runs",
  completed: "ran and completed",
  failed: "ran and failed",
  cancelled: "ran and was cancelled",
  back: "was handed back",
};

function kind(span: Span): Kind {
  if (span.status !== "running") return span.status;
  return span.outcome === null ? "running" : span.outcome === "handed back" ? "back" : (span.outcome as Kind);
}

function Bar({ span, from, to, end }: { span: Span; from: number; to: number; end: number }) {
  const ran = span.status === "running";
  const seconds = ((span.to ?? end) - span.from) / 1000;
  const tall = ran ? BAR : 4;
  const text = `${NAMES[kind(span)]}, ${duration(seconds)}, from ${exact(new Date(span.from))}${span.message ? `: ${span.message}` : ""}`;
  return (
    <rect class={`bar-${kind(span)}`} x={from} y={(ROW - tall) / 2} width={Math.max(to - from, ran ? 2 : 1)} height={tall} rx={ran ? 3 : 1}>
      <title>{text}</title>
    </rect>
  );
}

/** How long it ran, beside its bar. */
function Ran({ turn, end, x }: { turn: Turn; end: number; x: number }) {
  const span = turn.spans.findLast(({ status }) => status === "running");
  if (span === undefined) return null;
  return (
    <text class="turn-ran" x={x} y={ROW / 2 + 4}>
      {duration(((span.to ?? end) - span.from) / 1000)}
    </text>
  );
}

/** Where progress was reported. */
function Reports({ reports, turn, x }: { reports: readonly TaskUpdate[]; turn: Turn; x: (at: number) => number }) {
  const from = turn.spans.findLast(({ status }) => status === "running")?.from;
  if (from === undefined) return null;
  const seen = new Set<number>();
  return (
    <g class="reports">
      {reports.map((report) => {
        const at = report.timestamp.getTime();
        const place = Math.round(x(at));
        if (at < from || seen.has(place)) return null;
        seen.add(place);
        return <line key={report.seq} x1={place} x2={place} y1={ROW / 2 - 3} y2={ROW / 2 + 3} />;
      })}
    </g>
  );
}

function endOf(task: Task, changes: readonly TaskUpdate[], begin: number): number {
  const last = changes.at(-1)?.timestamp.getTime() ?? task.finishedAt?.getTime() ?? begin;
  return Math.max(last, begin + 1);
}

function summary(all: readonly Turn[], seconds: number, live: boolean): string {
  const ran = all.filter(({ spans }) => spans.some(({ status }) => status === "running")).length;
  return `${ran === 0 ? "It has not run yet" : ran === 1 ? "It ran once" : `It ran ${ran} times`}; ${duration(seconds)} ${live ? "so far" : "from submission to end"}.`;
}

/** The width of an element, as it changes. */
export function useWidth(box: { current: HTMLElement | null }): number {
  const [width, tell] = useState(0);
  useLayoutEffect(() => {
    const element = box.current!;
    tell(element.clientWidth);
    const observer = new ResizeObserver(() => tell(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return width;
}
