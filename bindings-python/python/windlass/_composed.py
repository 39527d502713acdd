"""Records of what is composed, as native code is told them, and its answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from windlass import _forms, _native, options
from windlass._batch_chunks import Recorder
from windlass._verbs import Listing, matching, spec
from windlass.calls import TaskCall
from windlass.options import Labels
from windlass.stages import PipelineSummary

#: A task that runs when a batch has ended: its `payload` and options, or a handler with arguments.
Hook = Mapping[str, Any] | TaskCall[Any]


def begun(
    tasks: Mapping[str, Any],
    own: Mapping[str, Any],
    both: Mapping[str, Any],
    hooks: Mapping[str, Hook | None],
) -> tuple[str, Recorder]:
    """The record of a batch without its tasks, and what makes theirs.

    `tasks` holds for its tasks, `own` for the batch, and `both` for both.
    """
    head = options.wire({**own, **both})
    for key, hook in hooks.items():
        if hook is not None:
            head += f'{"," if len(head) > 1 else ""}"{key}":{_hook(key, hook)}'
    return head + "}", Recorder({**tasks, **both})


def _hook(name: str, hook: Hook) -> str:
    if isinstance(hook, TaskCall):
        return hook.record()
    if not isinstance(hook, Mapping):
        raise options.invalid(name, f"must be a mapping or a bound call, not {hook!r:.40}")
    own = {key: value for key, value in hook.items() if key != "payload"}
    return spec(hook.get("payload"), own)


def taken(
    stored: _native.StoredBatch,
) -> tuple[str, list[str], list[tuple[int, str, bool]], bool]:
    """A stored batch, in the order of a handle's arguments."""
    batch_id, deduplicated, task_ids, others = stored
    return batch_id, task_ids, others, deduplicated


def block_record(block: Mapping[str, Any] | Iterable[Any], given: Mapping[str, Any]) -> str:
    """The record of a block: arguments go before what the mapping says."""
    own = dict(block) if isinstance(block, Mapping) else {"steps": block}
    steps = own.pop("steps", ())
    if isinstance(steps, (str, bytes, Mapping)) or not isinstance(steps, Iterable):
        raise options.invalid("steps", f"must be a list of steps, not {steps!r:.40}")
    own |= {key: value for key, value in given.items() if value is not None}
    own.setdefault("strategy", "all")
    head = options.wire({"name": "parallel_block", **own})
    texts = ",".join(_forms.encode(f"steps[{at}]", step) for at, step in enumerate(steps))
    return f'{head},"steps":[{texts}]}}'


def pipelines(
    labels: Labels | None,
    status: str | Iterable[str] | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    limit: int | None,
) -> Listing[PipelineSummary]:
    """A list of pipelines: of the tasks that stand for them."""
    given = matching(labels, status, None, None, None, since, until, None)
    return Listing({**given, "kind": "pipeline"}, limit, PipelineSummary._of_task)
