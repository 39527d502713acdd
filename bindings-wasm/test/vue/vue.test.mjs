// The composables in a real Vue, a real browser, and before a real server.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

import { renderToString } from "@vue/server-renderer";
import { createSSRApp, h } from "vue";

import { flows, press, scene, show, view } from "../outbox/shown.mjs";
import { bounded as test } from "../outbox/stage.mjs";

const PAGE = fileURLToPath(new URL("page", import.meta.url));

// PKG-05: the page imports `windlass-web/vue` as any other does.
// UI-04
test("the document's example runs as it stands", (t) => flows.document(t, PAGE));

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

test("a component may use the client that it provides", async (t) => {
  const { stage, server, page, said } = await scene(t, PAGE);
  stage.client(server.url, { handlers: { note: async () => ({ text: "done" }) } });
  await show(page, "Self");
  await press(page, "Submit");
  assert.deepEqual((await view(page, (view) => view.status === "completed")).result, { text: "done" });
  assert.deepEqual(said, []);
});

test("the plugin gives a whole app its client, and closes it with the app", async (t) => {
  const { page, said } = await scene(t, PAGE);
  await page.evaluate(() => {
    globalThis.seen = [];
    plug("Seen", { endpoint }, { seen });
  });
  await page.locator("#same").waitFor();
  const told = await page.evaluate(async () => {
    const told = () => seen[0].listTasks().then(() => "open", ({ code }) => code);
    const before = await told();
    hide();
    for (;;) {
      const after = await told();
      if (after !== "open") return [before, after];
    }
  });
  assert.deepEqual(told, ["open", "client_closed"]);
  assert.deepEqual(said, []);
});

test("a page is rendered on a server", async () => {
  const { WindlassProvider, createWindlass, useClient, useOutbox, useTask, useWindlassTask } = await import("windlass-web/vue");
  const { InvalidArgumentError } = await import("windlass-web");
  let client;
  const Shown = {
    setup() {
      client = useClient().value;
      const { status, isLoading } = useWindlassTask();
      const { taskId, isLoading: waits } = useTask("some-task");
      const kept = useOutbox();
      return () => h("p", [status.value, isLoading.value, taskId.value, waits.value, kept.value.length].join(" "));
    },
  };
  const html = "<p> false some-task true 0</p>";
  const provided = createSSRApp(() => h(WindlassProvider, { endpoint: "https://api.windlass.io" }, () => h(Shown)));
  assert.match(await renderToString(provided), new RegExp(html));
  const plugged = createSSRApp(Shown).use(createWindlass());
  assert.equal(await renderToString(plugged), html);
  assert.throws(() => client.getTask("some-task"), InvalidArgumentError);
});

test("composables without a provider say what is missing", async () => {
  const { useClient } = await import("windlass-web/vue");
  const { InvalidArgumentError } = await import("windlass-web");
  const app = createSSRApp({ setup: () => useClient() });
  app.config.warnHandler = () => {};
  await assert.rejects(renderToString(app), InvalidArgumentError);
});
