// What a strict compiler says to users of the hooks: only the marked lines are errors.
import { Client, type OutboxEntry, type QueuedSubmission, type Submission } from "windlass-web";
import { type TaskView, WindlassProvider, useClient, useOutbox, useSubmit, useTask, useWindlassTask } from "windlass-web/react";

interface Answer {
  sum: number;
}

export function Sample({ taskId }: { taskId: string | null }) {
  const { submit, status, result, error, isLoading } = useWindlassTask<Answer>();
  const view: TaskView<Answer> = useTask<Answer>(taskId);
  const entries: readonly OutboxEntry[] = useOutbox();
  const client: Client = useClient();
  const send = useSubmit();

  const all = async () => {
    const told: Submission | QueuedSubmission | null = await submit({ type: "add", payload: [1, 2], offline: true });
    const stored: Submission = await send({ type: "add", payload: [1, 2] });
    const kept: QueuedSubmission = await send({ type: "add", payload: [1, 2], offline: true });
    const direct: QueuedSubmission = await client.submitTask({ type: "add", payload: 1, offline: true });
    // @ts-expect-error: what is kept has no status yet
    kept.status;
    // @ts-expect-error: a task has no such option
    await submit({ typ: "add" });
    return [told, stored.status, kept.key, direct.key];
  };
  // @ts-expect-error: the answer may not be there
  const sum = result.sum;
  // @ts-expect-error: a view is not written to
  view.status = "completed";
  return (
    <WindlassProvider endpoint="https://tasks.example.com" client={undefined}>
      <button onClick={all} disabled={isLoading}>
        {status} {result?.sum} {error?.message} {entries.length} {sum}
      </button>
    </WindlassProvider>
  );
}
