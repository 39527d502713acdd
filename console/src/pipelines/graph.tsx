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
/** Where the words of a stage begin, and how much of its right side stays empty. */
const WORDS = { left: 30, right: 10 };
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
              <text class="node-name" x={x + WORDS.left} y={y + 19}>
                {fitting(name)}
              </text>
              <text class="node-status" x={x + WORDS.left} y={y + 34}>
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

const fits = new Map<string, string>();
let ruler: CanvasRenderingContext2D | null | undefined;

/** As much of a name as its box has room for: letters differ in width too much to count them. */
function fitting(name: string): string {
  const known = fits.get(name);
  if (known !== undefined) return known;
  ruler ??= document.createElement("canvas").getContext("2d");
  if (ruler) {
    const { fontFamily, fontSize } = getComputedStyle(document.body);
    ruler.font = `600 ${fontSize} ${fontFamily}`;
  }
  const room = NODE.width - WORDS.left - WORDS.right;
  const width = (text: string) => ruler?.measureText(text).width ?? text.length * 10;
  let shown = name;
  // No more than so many can fit: a name may be very long.
  for (let letters = [...name].slice(0, room); letters.length > 1 && width(shown) > room; ) {
    letters = letters.slice(0, -1);
    shown = `${letters.join("")}…`;
  }
  fits.set(name, shown);
  return shown;
}
