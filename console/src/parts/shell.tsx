/**
 * What is around every page: ways to the others, how the connection is, the key.
 *
 * @module
 */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "../keys.js";
import { connected, live } from "../live/feed.js";
import { tryNow } from "../live/keep.js";
import { forget } from "../live/load.js";
import { go, place } from "../router.js";
import { info, giveKey, keyWanted, readOnly } from "../server/session.js";
import { theme, toggleTheme } from "../theme.js";
import { Help } from "./help.js";
import { Icon, type IconName, Mark } from "./icon.js";
import { Notices } from "./notice.js";

const PAGES: readonly { path: string; name: string; icon: IconName; key: string }[] = [
  { path: "/", name: "Overview", icon: "overview", key: "g o" },
  { path: "/tasks", name: "Tasks", icon: "tasks", key: "g t" },
  { path: "/pipelines", name: "Pipelines", icon: "pipelines", key: "g p" },
  { path: "/queues", name: "Queues", icon: "queues", key: "g q" },
  { path: "/workers", name: "Workers", icon: "workers", key: "g w" },
];

/** The frame of the console. */
export function Shell({ children }: { children: ComponentChildren }) {
  const [help, showHelp] = useState(false);
  useKeys({
    ...Object.fromEntries(PAGES.map(({ path, key }) => [key, () => go(path)])),
    "/": () => search(),
    t: toggleTheme,
    "?": () => showHelp(true),
  });
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <header class="bar">
        <a class="brand" href="/" aria-label="Windlass, overview">
          <Mark />
          <span>Windlass</span>
        </a>
        <nav class="pages" aria-label="Pages">
          {PAGES.map(({ path, name, icon, key }) => (
            <a key={path} href={path} title={key} aria-current={isAt(path) ? "page" : undefined}>
              <Icon name={icon} />
              <span>{name}</span>
            </a>
          ))}
        </nav>
        <div class="bar-end">
          <Connection />
          <div class="bar-tools">
            <button type="button" class="quiet" onClick={toggleTheme} title="t" aria-label={theme.value === "dark" ? "light colours" : "dark colours"}>
              <Icon name={theme.value === "dark" ? "sun" : "moon"} />
            </button>
            <button type="button" class="quiet" onClick={() => showHelp(true)} title="?" aria-label="keys">
              <Icon name="keyboard" />
            </button>
          </div>
          {info.value !== null && <p class="version faint">{info.value.version}</p>}
        </div>
      </header>
      <div class="stage">
        <Lost />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
      <Notices />
      {keyWanted.value !== false && <KeyPrompt />}
      {help && <Help close={() => showHelp(false)} />}
    </div>
  );
}

function isAt(path: string): boolean {
  const at = place.value.path;
  if (path === "/") return at === "/";
  return at.startsWith(path) || (path === "/tasks" && at.startsWith("/batches"));
}

function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

/** Goes to where tasks are searched, and there. */
function search(): void {
  const focus = () => document.querySelector<HTMLInputElement>("#search")?.focus();
  // At once: what is typed before the next frame would be lost, or be taken for other keys.
  if (place.value.path === "/tasks") return focus();
  go("/tasks");
  // The page is drawn in the turn that was just asked for; its heading takes the focus with the next frame.
  queueMicrotask(focus);
  requestAnimationFrame(focus);
}

function Connection() {
  const state = connected.value;
  const kind = state === false ? "lost" : live.value ? "live" : "new";
  const text = { lost: "no connection", live: "live", new: state === null ? "connecting" : "not live" }[kind];
  return (
    <p class={`connection connection-${kind}`}>
      <i aria-hidden="true" />
      <span>{text}</span>
      {readOnly.value && info.value !== null && <span class="tag">read-only</span>}
    </p>
  );
}

/** Says that what is shown may be old. */
function Lost() {
  if (connected.value !== false || keyWanted.value !== false) return null;
  return (
    <div class="lost" role="alert">
      <Icon name="filled" />
      <p>
        <strong>The server does not answer.</strong> What is shown may be old. The page goes on by itself as soon as it is back.
      </p>
      <button type="button" onClick={tryNow}>
        Try now
      </button>
    </div>
  );
}

function KeyPrompt() {
  const box = useRef<HTMLDialogElement>(null);
  const [given, type] = useState("");
  useEffect(() => box.current!.showModal(), []);
  return (
    <dialog ref={box} class="dialog" aria-label="The server’s key" onCancel={(event) => event.preventDefault()}>
      <form
        class="dialog-body"
        onSubmit={(event) => {
          event.preventDefault();
          if (given.trim() === "") return;
          forget();
          giveKey(given.trim());
        }}
      >
        <h2>The server’s key</h2>
        <p>
          {keyWanted.value === "refused"
            ? "The server did not accept that key."
            : "This server answers only to those who have its key."}{" "}
          It stays in this tab until the tab is closed.
        </p>
        <label class="field">
          <span>Key</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={given}
            aria-invalid={keyWanted.value === "refused"}
            onInput={(event) => type(event.currentTarget.value)}
          />
        </label>
        <div class="dialog-actions">
          <button type="submit" class="primary" disabled={given.trim() === ""}>
            Open the console
          </button>
        </div>
      </form>
    </dialog>
  );
}
