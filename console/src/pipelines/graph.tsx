/**
 * The graph of a pipeline, drawn with the states of its stages.
 *
 * @module
 */

import { useMemo } from "preact/hooks";
import type { StageStatus } from "windlass-web";
import { taskPath } from "../router.js";
import { NODE, layout } from "./layout.js";

/** Stages that are drawn, at most: of more nobody sees the graph. */
export const DRAWN = 300;
/** Letters of a name that fit. */
const LETTERS = 16;
/** Room around the drawing, for the ring of what has the focus. */
const EDGE = 4;

/** The stages from the top down; each leads to its task. */
export function Graph({ stages }: { stages: readonly StageStatus[] }) {
  const shape = JSON.stringify(stages.map(({ name, dependsOn }) => [name, dependsOn]));
  const drawn = useMemo(() => layout(stages), [shape]);
  const of = new Map(stages.map((stage) => [stage.name, stage]));
  return (
    <div class="graph card" role="region" aria-label="Graph of the stages" tabIndex={0}>
      <svg viewBox={`${-EDGE} ${-EDGE} ${drawn.width + 2 * EDGE} ${drawn.height + 2 * EDGE}`} width={drawn.width + 2 * EDGE} height={drawn.height + 2 * EDGE}>
        <g aria-hidden="true">
          {drawn.edges.map(({ from, to, path }) => (
            <path key={`${from} ${to}`} class={`edge edge-${of.get(from)?.status}`} d={path} />
          ))}
        </g>
        {drawn.nodes.map(({ name, x, y }) => {
          const { status, taskId, progress, attempt } = of.get(name)!;
          const more = status === "running" && progress !== null ? ` · ${Math.round(progress)} %` : attempt > 1 ? ` · attempt ${attempt}` : "";
          return (
            <a key={name} href={taskPath(taskId)} class={`node status-${status}`} data-stage={name} data-status={status}>
              <rect x={x} y={y} width={NODE.width} height={NODE.height} rx="7">
                <title>{name}</title>
              </rect>
              <circle cx={x + 16} cy={y + NODE.height / 2} r="5" />
              <text class="node-name" x={x + 30} y={y + 19}>
                {name.length > LETTERS ? `${name.slice(0, LETTERS - 1)}…` : name}
              </text>
              <text class="node-status" x={x + 30} y={y + 34}>
                {" "}
                {status}
                {more}
              </text>
            </a>
          );
        })}
      </svg>
    </div>
  );
}
