/**
 * Notices of what was done, and questions before it is.
 *
 * @module
 */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { explain, isRefused } from "../live/failure.js";
import { client, epoch, refuseKey } from "../server/session.js";
import type { Client } from "windlass-web";
import { Icon } from "./icon.js";

interface Notice {
  id: number;
  text: ComponentChildren;
  kind: "done" | "failed";
  undo?: () => void;
}

/** Milliseconds that a notice stays. */
const STAY = 6_000;

const notices = signal<Notice[]>([]);
let last = 0;

/** Tells what was done. */
export function notify(text: ComponentChildren, kind: Notice["kind"] = "done", undo?: () => void): void {
  const notice: Notice = { id: ++last, text, kind, ...(undo === undefined ? {} : { undo }) };
  notices.value = [...notices.value.slice(-2), notice];
  setTimeout(() => dismiss(notice.id), kind === "done" ? STAY : STAY * 2);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Does something and tells how it went; everything that is shown is asked for again. */
export async function act(run: (client: Client) => Promise<ComponentChildren>, undo?: () => void): Promise<void> {
  try {
    notify(await run(await client()), "done", undo);
  } catch (error) {
    if (isRefused(error)) refuseKey();
    else {
      const { title, advice } = explain(error);
      notify(`${title}: ${advice}`, "failed");
    }
  }
  epoch.value++;
}

/** Where notices are shown. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice notice-${notice.kind}`}>
          <Icon name={notice.kind === "done" ? "check" : "filled"} />
          <span>{notice.text}</span>
          {notice.undo !== undefined && (
            <button
              type="button"
              class="quiet"
              onClick={() => {
                dismiss(notice.id);
                notice.undo?.();
              }}
            >
              Undo
            </button>
          )}
          <button type="button" class="quiet small" aria-label="dismiss" onClick={() => dismiss(notice.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

/** Something above the page that wants an answer. Escape closes it. */
export function Dialog(props: { title: string; heading?: ComponentChildren; close: () => void; wide?: boolean; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = box.current!;
    const before = document.activeElement;
    dialog.showModal();
    // What gets the focus may be at the end of it.
    dialog.scrollTop = 0;
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={box}
      class={props.wide ? "dialog wide" : "dialog"}
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        props.close();
      }}
      onClick={(event) => {
        if (event.target === box.current) props.close();
      }}
    >
      <div class="dialog-body">
        <h2>{props.heading ?? props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}
