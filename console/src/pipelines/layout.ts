/**
 * Where the stages of a pipeline are drawn: in layers from the top down, each below all that it waits for.
 *
 * @module
 */

/** Sizes, in units of the drawing. */
export const NODE = { width: 168, height: 44 };
const GAP = { across: 24, down: 44 };
/** Room that an edge takes where it passes a layer. */
const PASS = 16;
/** How often layers are put in order by their neighbours. */
const SWEEPS = 6;

/** A stage to draw. */
export interface Vertex {
  name: string;
  dependsOn: readonly string[];
}

/** A stage in its place: its upper left corner. */
export interface Node {
  name: string;
  x: number;
  y: number;
}

/** A drawing. */
export interface Layout {
  width: number;
  height: number;
  nodes: Node[];
  /** From one stage to one that waits for it, with the path between them. */
  edges: { from: string; to: string; path: string }[];
}

/** A stage, or where an edge passes a layer. */
interface Cell {
  width: number;
  above: Cell[];
  below: Cell[];
  order: number;
  x: number;
}

/** Lays the stages out. What waits for a stage that is not there waits for nothing; a circle is drawn in one layer. */
export function layout(vertices: readonly Vertex[]): Layout {
  const layerOf = layers(vertices);
  const rows: Cell[][] = Array.from({ length: Math.max(0, ...layerOf.values()) + 1 }, () => []);
  const add = (layer: number, width: number): Cell => {
    const row = rows[layer]!;
    const cell = { width, above: [], below: [], order: row.length, x: 0 };
    row.push(cell);
    return cell;
  };
  const cells = new Map(vertices.map(({ name }) => [name, add(layerOf.get(name)!, NODE.width)]));
  const chains: { from: string; to: string; cells: Cell[] }[] = [];
  for (const { name, dependsOn } of vertices) {
    for (const before of dependsOn) {
      const [from, to] = [cells.get(before), cells.get(name)!];
      const [first, last] = [layerOf.get(before)!, layerOf.get(name)!];
      if (from === undefined || first >= last) continue;
      const chain = [from];
      for (let layer = first + 1; layer < last; layer++) chain.push(add(layer, PASS));
      chain.push(to);
      for (const [at, cell] of chain.slice(1).entries()) {
        chain[at]!.below.push(cell);
        cell.above.push(chain[at]!);
      }
      chains.push({ from: before, to: name, cells: chain });
    }
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0;
    for (const row of down ? rows : rows.toReversed()) arrange(row, down ? "above" : "below");
  }
  const width = Math.max(NODE.width, ...rows.map((row) => span(row)));
  for (const row of rows) {
    let x = (width - span(row)) / 2;
    for (const cell of row) {
      cell.x = x;
      x += cell.width + GAP.across;
    }
  }
  const top = (layer: number) => layer * (NODE.height + GAP.down);
  return {
    width,
    height: top(rows.length - 1) + NODE.height,
    nodes: vertices.map(({ name }) => ({ name, x: cells.get(name)!.x, y: top(layerOf.get(name)!) })),
    edges: chains.map(({ from, to, cells }) => ({ from, to, path: path(cells, layerOf.get(from)!, top) })),
  };
}

/** The layer of each stage: one below the lowest that it waits for. */
function layers(vertices: readonly Vertex[]): Map<string, number> {
  const layer = new Map(vertices.map(({ name }) => [name, 0]));
  const waits = new Map(vertices.map(({ name, dependsOn }) => [name, dependsOn.filter((before) => layer.has(before)).length]));
  const followers = new Map<string, string[]>();
  for (const { name, dependsOn } of vertices) {
    for (const before of dependsOn) followers.set(before, [...(followers.get(before) ?? []), name]);
  }
  const ready = vertices.filter(({ name }) => waits.get(name) === 0).map(({ name }) => name);
  for (let name = ready.shift(); name !== undefined; name = ready.shift()) {
    for (const next of followers.get(name) ?? []) {
      layer.set(next, Math.max(layer.get(next)!, layer.get(name)! + 1));
      waits.set(next, waits.get(next)! - 1);
      if (waits.get(next) === 0) ready.push(next);
    }
  }
  return layer;
}

/** Puts a layer in the order of the middles of its neighbours. */
function arrange(row: Cell[], side: "above" | "below"): void {
  const middle = new Map(row.map((cell) => [cell, mean(cell[side].map(({ order }) => order)) ?? cell.order]));
  row.sort((a, b) => middle.get(a)! - middle.get(b)! || a.order - b.order);
  for (const [order, cell] of row.entries()) cell.order = order;
}

function mean(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

function span(row: readonly Cell[]): number {
  return row.reduce((sum, { width }) => sum + width, 0) + GAP.across * Math.max(0, row.length - 1);
}

/** A line through the cells, straight down within a layer and bent between two. */
function path(cells: readonly Cell[], first: number, top: (layer: number) => number): string {
  const parts: string[] = [];
  for (const [at, cell] of cells.entries()) {
    const [x, y] = [Math.round(cell.x + cell.width / 2), top(first + at)];
    if (at === 0) {
      parts.push(`M${x} ${y + NODE.height}`);
      continue;
    }
    const half = y - GAP.down / 2;
    const before = cells[at - 1]!;
    parts.push(`C${Math.round(before.x + before.width / 2)} ${half} ${x} ${half} ${x} ${y}`);
    if (at < cells.length - 1) parts.push(`V${y + NODE.height}`);
  }
  return parts.join("");
}
