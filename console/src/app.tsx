/**
 * Which page an address shows.
 *
 * @module
 */

import { BatchPage } from "./pages/batch.js";
import { OverviewPage } from "./pages/overview.js";
import { PipelinePage } from "./pages/pipeline.js";
import { PipelinesPage } from "./pages/pipelines.js";
import { QueuesPage } from "./pages/queues.js";
import { TaskPage } from "./pages/task.js";
import { TasksPage } from "./pages/tasks.js";
import { WorkersPage } from "./pages/workers.js";
import { Empty } from "./parts/small.js";
import { Shell } from "./parts/shell.js";
import { place } from "./router.js";
import { epoch } from "./server/session.js";
import { useTitle } from "./title.js";

/** The console. */
export function App() {
  // Read here, so that whatever is asked for again is drawn again.
  void epoch.value;
  return <Shell>{page(place.value.path)}</Shell>;
}

function page(path: string) {
  const [area, id, more] = path.split("/").slice(1).map(decoded);
  if (more === undefined || more === "") {
    if (area === "") return <OverviewPage />;
    if (area === "tasks") return id ? <TaskPage key={id} id={id} /> : <TasksPage />;
    if (area === "pipelines") return id ? <PipelinePage key={id} id={id} /> : <PipelinesPage />;
    if (area === "queues" && !id) return <QueuesPage />;
    if (area === "workers" && !id) return <WorkersPage />;
    if (area === "batches" && id) return <BatchPage key={id} id={id} />;
  }
  return <Missing />;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function Missing() {
  useTitle("No such page");
  return (
    <>
      <h1 tabIndex={-1}>No such page</h1>
      <Empty title="There is nothing under this address">
        The pages are <a href="/">overview</a>, <a href="/tasks">tasks</a>, <a href="/pipelines">pipelines</a>,{" "}
        <a href="/queues">queues</a> and{" "}
        <a href="/workers">workers</a>.
      </Empty>
    </>
  );
}
