// What the tests show: each component is one use of the hooks.
import { useState } from "react";
import { WindlassProvider, useClient, useOutbox, useSubmit, useTask, useWindlassTask } from "windlass-web/react";

import { App } from "./document.jsx";

export const Document = App;

/** Buttons for every payload, and all that is known of the last one. */
function Runner({ payloads = [1, 2], type = "note", offline = false }) {
  const { submit, ...view } = useWindlassTask();
  const [told, setTold] = useState("nothing");
  return (
    <div>
      {payloads.map((payload, i) => (
        <button
          key={i}
          onClick={async () => setTold(JSON.stringify(await submit({ type, payload, ...(offline && { offline }) })))}
        >
          Submit {String(i)}
        </button>
      ))}
      <output id="view">{JSON.stringify({ ...view, error: view.error?.code ?? null })}</output>
      <output id="told">{told}</output>
      <pre id="result">{view.result?.text}</pre>
      {view.error && <p className="error">{view.error.message}</p>}
    </div>
  );
}

function Watched({ taskId }) {
  const view = useTask(taskId);
  return <output id="view">{JSON.stringify({ ...view, error: view.error?.code ?? null })}</output>;
}

function List({ taskIds }) {
  const { submit, status } = useWindlassTask();
  return (
    <div>
      <button onClick={() => submit({ type: "note", payload: "last" })}>Submit</button>
      <output id="own">{status}</output>
      {taskIds.map((taskId) => (
        <Row key={taskId} taskId={taskId} />
      ))}
    </div>
  );
}

function Row({ taskId }) {
  const { status, result, error } = useTask(taskId);
  return <p className="row">{`${status} ${result?.text ?? error?.code ?? ""}`}</p>;
}

function Submitter() {
  const submit = useSubmit();
  const [taskId, setTaskId] = useState(null);
  const [wrong, setWrong] = useState(null);
  const send = (priority) =>
    submit({ type: "note", payload: 1, priority }).then(
      (told) => setTaskId(told.taskId),
      (error) => setWrong(error.code),
    );
  return (
    <div>
      <button onClick={() => send(1)}>Good</button>
      <button onClick={() => send(99)}>Wrong</button>
      <output id="wrong">{wrong}</output>
      <Watched taskId={taskId} />
    </div>
  );
}

function Outbox() {
  const client = useClient();
  const entries = useOutbox();
  return (
    <ul>
      {entries.map(({ key, state, options, error }) => (
        <li key={key}>
          <span>{`${state} ${options.type}: ${error?.message ?? ""}`}</span>
          <button onClick={() => client.outbox.remove(key)}>Remove</button>
        </li>
      ))}
    </ul>
  );
}

const provided = (Within) =>
  function Provided({ endpoint, apiKey, client, ...rest }) {
    return (
      <WindlassProvider endpoint={endpoint} apiKey={apiKey} client={client}>
        <Within {...rest} />
      </WindlassProvider>
    );
  };

export const Run = provided(Runner);
export const Watch = provided(Watched);
export const Many = provided(List);
export const Submit = provided(Submitter);
export const Kept = provided(Outbox);
export const Bare = Runner;

/** Who the provider's client is. */
function Same({ seen }) {
  seen.push(useClient());
  return <output id="same">{seen.length}</output>;
}
export const Seen = provided(Same);
