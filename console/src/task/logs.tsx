/**
 * What the handler logged, as it comes.
 *
 * @module
 */

import { memo } from "preact/compat";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { LOG_LEVELS, type LogLevel, type TaskUpdate } from "windlass-web";
import { Card, Copy, Empty } from "../parts/small.js";
import { count, exact, timeOfDay } from "../words.js";
import type { History } from "./history.js";

/** Lines that are shown; a button shows all that are kept. */
const SHOWN = 400;
/** Lines of a block: only the last block is drawn again when a line comes. */
const BLOCK = 50;

/** The lines, from a level on; the view follows the last one unless somebody scrolls up. */
export function Logs({ history, open }: { history: History; open: boolean }) {
  const [from, choose] = useState<LogLevel>("debug");
  const [whole, showWhole] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const level = LOG_LEVELS.indexOf(from);
  const matching = level === 0 ? history.lines : history.lines.filter((line) => LOG_LEVELS.indexOf(line.level!) >= level);
  const shown = whole ? matching : matching.slice(-SHOWN);
  const hidden = matching.length - shown.length;

  useLayoutEffect(() => {
    if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [matching.at(-1)?.seq, shown.length]);

  const aside = (
    <>
      <select aria-label="Level" value={from} onChange={(event) => choose(event.currentTarget.value as LogLevel)}>
        {LOG_LEVELS.map((one) => (
          <option key={one} value={one}>
            {one === "debug" ? "Every level" : `${one} and graver`}
          </option>
        ))}
      </select>
      <Copy what="log" text={() => matching.map((line) => `${line.timestamp.toISOString()} ${line.level} ${line.message}`).join("\n")} />
    </>
  );
  return (
    <Card title="Log" aside={history.lines.length > 0 ? aside : undefined}>
      {history.lines.length === 0 ? (
        <Empty title={open ? "Nothing logged yet" : "The handler logged nothing"}>
          <code>ctx.log("…")</code> in the handler writes here.
        </Empty>
      ) : (
        <div
          class="log"
          ref={box}
          tabIndex={0}
          role="log"
          aria-label="Log lines"
          aria-live="off"
          onScroll={(event) => {
            const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
            follows.current = scrollTop + clientHeight >= scrollHeight - 24;
          }}
        >
          {history.older > 0 && <p class="faint">{count(history.older)} older lines are not kept on this page.</p>}
          {hidden > 0 && (
            <button type="button" class="quiet small" onClick={() => showWhole(true)}>
              Show {count(hidden)} earlier lines
            </button>
          )}
          {blocks(shown).map((block) => (
            <Block key={block[0]!.seq} lines={block} first={block[0]!.seq} last={block.at(-1)!.seq} />
          ))}
        </div>
      )}
    </Card>
  );
}

/** Lines by blocks whose borders do not move when lines come or go. */
function blocks(lines: readonly TaskUpdate[]): TaskUpdate[][] {
  const found: TaskUpdate[][] = [];
  let of = -1;
  for (const line of lines) {
    const block = Math.floor(line.seq / BLOCK);
    if (block !== of) found.push([]);
    of = block;
    found.at(-1)!.push(line);
  }
  return found;
}

const Block = memo(
  ({ lines }: { lines: TaskUpdate[]; first: number; last: number }) => (
    <div class="log-block">
      {lines.map((line) => (
        <p key={line.seq} class={`line line-${line.level}`}>
          <time dateTime={line.timestamp.toISOString()} title={exact(line.timestamp)}>
            {timeOfDay(line.timestamp)}
          </time>
          <b>{line.level}</b>
          <span>{line.message}</span>
        </p>
      ))}
    </div>
  ),
  (before, after) => before.first === after.first && before.last === after.last && before.lines.length === after.lines.length,
);
