// The hooks in a real React, a real browser, and before a real server.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { createElement } from "react";
import { renderToString } from "react-dom/server";

import { flows, press, scene, show, view } from "../outbox/shown.mjs";
import { bounded as test } from "../outbox/stage.mjs";

const PAGE = fileURLToPath(new URL("page", import.meta.url));

// PKG-05: the page imports `windlass-web/react` as any other does.
// UI-01, UI-02, UI-03
test("the document's example runs as it stands", (t) => flows.document(t, PAGE));

test("under StrictMode, too", (t) => flows.document(t, PAGE, true));

// UI-03
test("a failure shows the error's message", (t) => flows.failure(t, PAGE));

test("a submit that is refused is the error", (t) => flows.refusedSubmit(t, PAGE));

test("a cancelled task ends, and says so", (t) => flows.cancelled(t, PAGE));

test("progress is shown as it is reported", (t) => flows.progress(t, PAGE));

test("of two submits in a row the later is shown", (t) => flows.later(t, PAGE));

test("an answer that is overtaken is not shown", (t) => flows.overtaken(t, PAGE));

test("a component that goes during a run ends its stream, without a word", (t) => flows.unmounted(t, PAGE));

test("a component that goes before its submit is answered follows nothing", (t) => flows.unmountedEarly(t, PAGE));

test("a task is followed by its id", (t) => flows.watched(t, PAGE));

test("a submit of its own rejects with typed errors", (t) => flows.submitter(t, PAGE));

test("a server that is away is told and comes back", (t) => flows.vanished(t, PAGE));

test("a key that runs out is told, and a new one goes on with the task", (t) => flows.expired(t, PAGE));

test("other properties make another client and close the one before", (t) => flows.changed(t, PAGE));

test("what is submitted offline is shown when it was sent", (t) => flows.offline(t, PAGE));

test("the outbox is listed, and markup in it is text", (t) => flows.kept(t, PAGE));

test("more tasks than a browser has connections leave room for a submit", (t) => flows.many(t, PAGE));

test("what a server rendered is taken over and becomes live", (t) => flows.hydrated(t, PAGE));

test("markup in a result is text", (t) => flows.markup(t, PAGE));

test("under StrictMode one client lives, and goes with the component", async (t) => {
  const { page, said } = await scene(t, PAGE);
  await page.evaluate(() => {
    globalThis.seen = [];
    show("Seen", { endpoint, seen }, true);
  });
  await page.locator("#same").waitFor();
  const told = await page.evaluate(async () => {
    const last = seen.at(-1);
    const told = () => last.listTasks().then(() => "open", ({ code }) => code);
    const before = await told();
    hide();
    // React ends effects a little later.
    for (;;) {
      const after = await told();
      if (after !== "open") return [before, after];
    }
  });
  assert.deepEqual(told, ["open", "client_closed"]);
  assert.deepEqual(said, []);
});

test("a page is rendered on a server", async () => {
  const { WindlassProvider, useClient, useOutbox, useTask, useWindlassTask } = await import("windlass-web/react");
  const { Client, InvalidArgumentError } = await import("windlass-web");
  let client;
  const Shown = () => {
    client = useClient();
    const { status, isLoading } = useWindlassTask();
    const { taskId, isLoading: waits } = useTask("some-task");
    return createElement("p", null, JSON.stringify({ status, isLoading, taskId, waits, kept: useOutbox().length }));
  };
  const render = (props) => renderToString(createElement(WindlassProvider, props, createElement(Shown)));
  const html = '<p>{&quot;status&quot;:null,&quot;isLoading&quot;:false,&quot;taskId&quot;:&quot;some-task&quot;,&quot;waits&quot;:true,&quot;kept&quot;:0}</p>';
  assert.equal(render({ endpoint: "https://api.windlass.io", apiKey: "key" }), html);
  // The server that the page comes from is known in the browser only.
  assert.equal(render({}), html);
  assert.ok(client instanceof Client);
  assert.throws(() => client.getTask("some-task"), InvalidArgumentError);
});

test("hooks without a provider say what is missing", async () => {
  const { useClient } = await import("windlass-web/react");
  const { InvalidArgumentError } = await import("windlass-web");
  const Alone = () => createElement("p", null, useClient().location);
  assert.throws(() => renderToString(createElement(Alone)), InvalidArgumentError);
});

test("an endpoint that is wrong is the error of whoever submits", async (t) => {
  const { page, said } = await scene(t, PAGE);
  await show(page, "Run", { endpoint: "sqlite:tasks.db", payloads: [1] });
  await press(page, "Submit 0");
  assert.equal((await view(page, (view) => view.error !== null)).error, "invalid_url");
  assert.deepEqual(said, []);
});
