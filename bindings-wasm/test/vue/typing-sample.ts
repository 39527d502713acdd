// What a strict compiler says to users of the composables: only the marked lines are errors.
import { type Ref, createApp, ref } from "vue";
import type { Client, QueuedSubmission, Submission } from "windlass-web";
import { createWindlass, provideWindlass, useClient, useOutbox, useSubmit, useTask, useWindlassTask } from "windlass-web/vue";

interface Answer {
  sum: number;
}

createApp({}).use(createWindlass({ endpoint: "https://tasks.example.com", apiKey: "key" }));

export async function sample(): Promise<unknown[]> {
  provideWindlass(() => ({ endpoint: "https://tasks.example.com" }));
  const { submit, status, result, error, isLoading } = useWindlassTask<Answer>();
  const taskId = ref<string | null>(null);
  const { progress } = useTask(taskId);
  const client: Readonly<Ref<Client>> = useClient();
  const send = useSubmit();
  const stored: Submission = await send({ type: "add", payload: 1 });
  const kept: QueuedSubmission = await send({ type: "add", payload: 1, offline: true });
  await submit({ type: "add", payload: 1 });
  // @ts-expect-error: a view is not written to
  status.value = "completed";
  // @ts-expect-error: the answer may not be there
  result.value.sum;
  // @ts-expect-error: there is no such option
  provideWindlass({ url: "https://tasks.example.com" });
  return [stored.status, kept.key, result.value?.sum, error.value?.message, isLoading.value, progress.value, client.value.location, useOutbox().value.length];
}
