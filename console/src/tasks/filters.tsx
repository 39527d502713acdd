/**
 * What is looked for: words, statuses, queue, type and time, all together.
 *
 * @module
 */

import { useState } from "preact/hooks";
import { TASK_STATES, type TaskState } from "windlass-web";
import { Icon } from "../parts/icon.js";
import { Status } from "../parts/small.js";
import { go, taskPath } from "../router.js";
import { short } from "../words.js";
import { EVERYTHING, type Search, idIn, parts, searchPath, withWords } from "./search.js";

/** What the filters offer to choose from. */
export interface Offers {
  queues: readonly string[];
  types: readonly string[];
  /** Tasks by status, of the chosen queue if there is one. */
  counts: Partial<Record<TaskState, number>> | undefined;
}

const TIMES = [
  ["", "Any time"],
  ["5m", "Last 5 minutes"],
  ["1h", "Last hour"],
  ["24h", "Last 24 hours"],
  ["7d", "Last 7 days"],
  ["between", "Between …"],
] as const;

/** The filters; what is chosen is in the address. */
export function Filters({ search, offers }: { search: Search; offers: Offers }) {
  const [text, type] = useState("");
  const [open, show] = useState(false);
  const [refused, refuse] = useState<string | undefined>();
  const choose = (changed: Search) => go(searchPath(changed));
  const submit = (event: Event) => {
    event.preventDefault();
    const id = idIn(text);
    if (id !== undefined) return go(taskPath(id));
    if (text.trim() === "") return;
    const typed = withWords(search, text);
    if ("refused" in typed) return refuse(typed.refused);
    type("");
    choose(typed.search);
  };
  const toggle = (state: TaskState) => {
    const has = search.status.includes(state);
    choose({ ...search, status: TASK_STATES.filter((one) => (one === state ? !has : search.status.includes(one))) });
  };
  const words = parts(search);
  return (
    <div class="filters" role="search" aria-label="Tasks">
      <form class="search" onSubmit={submit}>
        <Icon name="search" />
        <input
          id="search"
          type="search"
          value={text}
          placeholder="id, error text, env=prod, type:resize …"
          aria-label="search tasks"
          aria-describedby={refused === undefined ? "search-words" : "search-refused"}
          aria-invalid={refused !== undefined}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            type(event.currentTarget.value);
            refuse(undefined);
          }}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
        {refused === undefined && (
          <p id="search-words" class="search-words">
            Enter an id to open it. Words are looked for in errors. <code>env=prod</code> a label ·{" "}
            <code>type:</code> <code>queue:</code> <code>status:</code> <code>batch:</code> <code>since:1h</code>{" "}
            <code>until:</code>
          </p>
        )}
        <button type="button" class="filters-more" aria-expanded={open} onClick={() => show(!open)}>
          <Icon name="filter" /> Filters
        </button>
      </form>
      <div class={open ? "choices selects open" : "choices selects"}>
        <Select
          label="Queue"
          value={search.queue ?? ""}
          options={[["", "Any queue"], ...withChosen(offers.queues, search.queue).map((name) => [name, name] as const)]}
          choose={(queue) => choose(changed(search, { queue }))}
        />
        <Select
          label="Type"
          value={search.type ?? ""}
          options={[["", "Any type"], ...withChosen(offers.types, search.type).map((name) => [name, name] as const)]}
          choose={(chosen) => choose(changed(search, { type: chosen }))}
        />
        <Times key={`${search.since} ${search.until}`} search={search} choose={choose} />
      </div>
      <div class={open ? "choices states open" : "choices states"} role="group" aria-label="Status">
        {TASK_STATES.map((state) => (
          <button
            key={state}
            type="button"
            class={`state status-${state}`}
            aria-pressed={search.status.includes(state)}
            onClick={() => toggle(state)}
          >
            <Status status={state} />
            {offers.counts?.[state] !== undefined && <span class="state-count">{short(offers.counts[state])}</span>}
          </button>
        ))}
      </div>
      {refused !== undefined && (
        <p id="search-refused" class="search-refused bad" role="alert">
          {refused}
        </p>
      )}
      {(words.length > 0 || search.status.length > 0) && (
        <div class={words.length === 0 ? "chosen few" : "chosen"} role="group" aria-label="Chosen">
          {search.status.map((state) => (
            <button key={state} type="button" class="chip narrow-only" title={`Without ${state}`} onClick={() => toggle(state)}>
              <span class="unseen">without </span>
              <Status status={state} />
              <Icon name="close" />
            </button>
          ))}
          {words.map(({ name, value, without }) => (
            <button
              key={`${name} ${value}`}
              type="button"
              class="chip"
              title={`Without ${name} ${value}`}
              onClick={() => choose(without)}
            >
              <span class="unseen">without </span>
              <b>{name}</b> <span>{value}</span>
              <Icon name="close" />
            </button>
          ))}
          <button type="button" class="quiet small" onClick={() => choose(EVERYTHING)}>
            Clear all
          </button>
        </div>
      )}
    </div>
  );
}

function Times({ search, choose }: { search: Search; choose: (search: Search) => void }) {
  const known = TIMES.some(([value]) => value === (search.since ?? "")) && search.until === undefined;
  const [between, pick] = useState(!known);
  const [from, setFrom] = useState(local(search.since));
  const [to, setTo] = useState(local(search.until));
  return (
    <>
      <Select
        label="Created"
        value={between ? "between" : (search.since ?? "")}
        options={TIMES}
        choose={(value) => {
          pick(value === "between");
          if (value !== "between") choose(changed(search, { since: value, until: "" }));
        }}
      />
      {between && (
        <form
          class="between"
          onSubmit={(event) => {
            event.preventDefault();
            choose(changed(search, { since: instant(from), until: instant(to) }));
          }}
        >
          <input type="datetime-local" step="1" aria-label="created at or after" value={from} onInput={(e) => setFrom(e.currentTarget.value)} />
          <input type="datetime-local" step="1" aria-label="created before" value={to} onInput={(e) => setTo(e.currentTarget.value)} />
          <button type="submit">Apply</button>
        </form>
      )}
    </>
  );
}

/** An instant as the field for one has it: local time, without a zone. */
function local(text: string | undefined): string {
  const at = text === undefined ? NaN : new Date(text).getTime();
  if (Number.isNaN(at)) return "";
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function instant(text: string): string {
  return text === "" ? "" : new Date(text).toISOString();
}

/** The search with what was chosen; nothing chosen is left out. */
function changed(search: Search, chosen: { queue?: string; type?: string; since?: string; until?: string }): Search {
  const found: Search = { ...search, ...chosen };
  for (const name of ["queue", "type", "since", "until"] as const) if (found[name] === "") delete found[name];
  return found;
}

function withChosen(names: readonly string[], chosen: string | undefined): string[] {
  return chosen === undefined || names.includes(chosen) ? [...names] : [chosen, ...names];
}

function Select(props: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  choose: (value: string) => void;
}) {
  return (
    <select
      aria-label={props.label}
      class={props.value === "" ? "" : "is-chosen"}
      value={props.value}
      onChange={(event) => props.choose(event.currentTarget.value)}
    >
      {props.options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}
