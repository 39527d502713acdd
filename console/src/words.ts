/**
 * Figures and instants as people read them.
 *
 * @module
 */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** 1234567 → `1,234,567`. */
export const count = (n: number) => whole.format(n);

/** 1234567 → `1.2M`; below ten thousand as it is. */
export const short = (n: number) => (Math.abs(n) < 10_000 ? whole.format(n) : compact.format(n));

/** A figure per second: few digits, never none. */
export function rate(n: number): string {
  if (n === 0) return "0";
  if (n < 10) return n.toFixed(n < 1 ? 2 : 1);
  return short(n);
}

/** Seconds → `85 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 1) return s === 0 ? "0 s" : s < 0.001 ? "<1 ms" : `${Math.round(s * 1000)} ms`;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.round(s)} s`;
  return pair(s);
}

/** Seconds beside an axis: one unit, which there is room for. */
export function mark(seconds: number): string {
  const [unit, size] = seconds < 60 ? ["", 1] : seconds < 3_600 ? ["min", 60] : ["h", 3_600] as const;
  return unit === "" ? duration(seconds) : `${Number((seconds / (size as number)).toFixed(1))} ${unit}`;
}

/** Two units, the larger first. */
function pair(s: number): string {
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const;
  const rounded = s < 3_600 ? Math.round(s) : Math.round(s / 60) * 60;
  const at = units.findIndex(([, size]) => rounded >= size);
  const [unit, size] = units[at]!;
  const major = Math.floor(rounded / size);
  const next = units[at + 1];
  const minor = next === undefined ? 0 : Math.floor((rounded - major * size) / next[1]);
  return minor === 0 ? `${major} ${unit}` : `${major} ${unit} ${minor} ${next![0]}`;
}

/** How long ago, or in how long; one unit is enough. */
export function relative(at: number, now: number): string {
  const s = Math.abs(now - at) / 1000;
  if (s < 1.5) return at > now ? "now" : "just now";
  const [unit, size] = s < 60 ? ["s", 1] : s < 3_600 ? ["min", 60] : s < 86_400 ? ["h", 3_600] : ["d", 86_400] as const;
  const text = `${Math.floor(s / (size as number))} ${unit}`;
  return at > now ? `in ${text}` : `${text} ago`;
}

const exactly = new Intl.DateTimeFormat("en-GB", {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  fractionalSecondDigits: 3, timeZoneName: "short",
});

/** An instant to the millisecond, with its zone. */
export const exact = (at: Date) => exactly.format(at);

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

/** The time of day to the millisecond. */
export const timeOfDay = (at: Date) => clock.format(at);

/** 2048 → `2 KiB`. */
export function bytes(n: number): string {
  if (n < 1024) return `${n} B`;
  return n < 1024 * 1024 ? `${(n / 1024).toFixed(n < 10_240 ? 1 : 0)} KiB` : `${(n / 1024 / 1024).toFixed(1)} MiB`;
}

/** `1 task`, `2 tasks`. */
export const tasks = (n: number) => `${count(n)} ${n === 1 ? "task" : "tasks"}`;

const PRIORITIES = ["critical", "high", "normal", "low", "background"];

/** 3 → `normal`. */
export const priority = (n: number) => PRIORITIES[n - 1] ?? String(n);
