/**
 * The steps of a durable block, and the strategy that judges them.
 *
 * @module
 */

import { useRef, useState } from "preact/hooks";
import { FINAL_STATES, type Counts } from "windlass-web";
import { useLive } from "../live/load.js";
import { Card, Problem, Shares, Status, Waiting } from "../parts/small.js";
import { taskPath } from "../router.js";
import { type BlockStatus, readBlock } from "../server/side.js";
import { count } from "../words.js";

/** Steps that are shown; a button shows all. */
const SHOWN = 100;

/** The steps of the block, as they go on while it is open. */
export function Block({ id, open }: { id: string; open: boolean }) {
  const members = useRef(new Set<string>());
  const block = useLive(() => readBlock(id), [id, open], { on: (events) => events.some(({ taskId }) => members.current.has(taskId)) });
  const [whole, showWhole] = useState(false);
  if (block.value === undefined) {
    return <Card title="Steps">{block.error === undefined ? <Waiting /> : <Problem error={block.error} again={block.reload} />}</Card>;
  }
  const { strategy, verdict, steps } = block.value;
  members.current = new Set(steps.map(({ taskId }) => taskId));
  const ended = steps.filter(({ status }) => FINAL_STATES.includes(status)).length;
  const hidden = whole ? 0 : Math.max(steps.length - SHOWN, 0);
  return (
    <Card title="Steps" class="block-card">
      <div class="block-progress">
        <p>
          Strategy <b>{strategy}</b> · {count(ended)} of {count(steps.length)} ended
          {verdict !== "running" && <> · {verdict}</>}
        </p>
        <Shares counts={counted(steps)} label="Steps" />
      </div>
      <ol class="lines">
        {steps.slice(0, steps.length - hidden).map(({ taskId, status, error }, at) => (
          <li key={taskId}>
            <a href={taskPath(taskId)}>Step {at + 1}</a>
            <Status status={status} />
            {error !== null && (
              <span class="row-note bad" title={error}>
                {error}
              </span>
            )}
            <span class="line-figure faint mono">{taskId.slice(-12)}</span>
          </li>
        ))}
      </ol>
      {hidden > 0 && (
        <button type="button" class="quiet" onClick={() => showWhole(true)}>
          Show {count(hidden)} more
        </button>
      )}
    </Card>
  );
}

function counted(steps: BlockStatus["steps"]): Counts {
  const counts: Counts = {};
  for (const { status } of steps) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
