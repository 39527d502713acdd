/**
 * Figures over time, as lines.
 *
 * @module
 */

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useWidth } from "../task/timeline.js";
import { theme } from "../theme.js";

/** One line. */
export interface Line {
  name: string;
  /** Name of the colour among the custom properties. */
  color: string;
  values: readonly (number | null)[];
  /** Whether what is below it is filled. */
  filled?: boolean;
}

const HEIGHT = 156;
/** Steps of an axis of figures that have no halves. */
const WHOLE = Array.from({ length: 24 }, (_, i) => [1, 2, 5][i % 3]! * 10 ** Math.floor(i / 3));
/** Seconds that a chart shows at least. */
const SHORTEST = 600;
/** Charts of a page show the same moment. */
const TOGETHER = "console";
const FONT = "11px ui-sans-serif, system-ui, sans-serif";

/** A chart with the figures of the moment under the pointer, else of the last one. */
export function Chart(props: { title: string; unit?: string; times: readonly number[]; lines: readonly Line[]; format: (n: number) => string; mark?: (n: number) => string; whole?: boolean }) {
  const { title, unit, times, lines, format, mark = format, whole = false } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const [at, look] = useState<number | null>(null);
  const width = useWidth(box);
  const names = lines.map(({ name }) => name).join();
  const formats = useRef(mark);
  formats.current = mark;

  useEffect(() => {
    if (width === 0) return;
    const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const axis = { stroke: color("--faint"), font: FONT, ticks: { show: false } };
    plot.current = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 4, 0, 0],
        cursor: { sync: { key: TOGETHER }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
        scales: {
          // What a server knows that has just begun is not drawn as wide as an hour.
          x: { range: (_, first, last) => [Math.min(first, last - SHORTEST), last] },
          y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
        },
        axes: [
          { ...axis, space: 70, size: 26, grid: { show: false }, values: (_, marks) => marks.map((mark) => clock.format(mark * 1000)) },
          {
            ...axis,
            size: 54,
            space: 34,
            ...(whole && { incrs: WHOLE }),
            grid: { stroke: color("--line-soft"), width: 1 },
            values: (_, marks) => marks.map((n) => formats.current(n)),
          },
        ],
        series: [
          {},
          ...lines.map(({ color: name, filled }) => ({
            stroke: color(name),
            width: 1.5,
            points: { show: false },
            ...(filled && { fill: `color-mix(in srgb, ${color(name)} 16%, transparent)` }),
          })),
        ],
        hooks: { setCursor: [(chart) => look(chart.cursor.idx ?? null)] },
      },
      data(times, lines),
      box.current!,
    );
    return () => plot.current?.destroy();
  }, [width > 0, names, theme.value]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);

  useEffect(() => plot.current?.setData(data(times, lines)), [times, lines]);

  const shown = at !== null && at < times.length ? at : times.length - 1;
  return (
    <figure class="chart">
      <figcaption>
        <h3>
          {title} <span class="faint">
            {unit} {at !== null && times[shown] !== undefined ? clock.format(times[shown] * 1000) : ""}
          </span>
        </h3>
        <ul>
          {lines.map(({ name, color, values }) => (
            <li key={name}>
              <i class={`ink${color}`} aria-hidden="true" />
              {name} <b>{told(values[shown], format)}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div ref={box} class="chart-box" role="img" aria-label={`${title} over the last hour. ${lines.map((line) => summary(line, format)).join("; ")}`} />
    </figure>
  );
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

function data(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])] as uPlot.AlignedData;
}

function told(value: number | null | undefined, format: (n: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

function summary({ name, values }: Line, format: (n: number) => string): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return `${name}: nothing known`;
  return `${name}: now ${told(values.at(-1), format)}, at most ${format(Math.max(...known))}`;
}
