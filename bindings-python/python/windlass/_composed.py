"""Records of what is composed, as native code is told them, and its answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from windlass import _forms, _native, options
from windlass._verbs import spec
from windlass.calls import TaskCall
from windlass.options import Labels

#: A task that runs when a batch has ended: its `payload` and options, or a handler with arguments.
Hook = Mapping[str, Any] | TaskCall[Any]


def batch_record(
    name: str | None,
    on_complete: Hook | None,
    on_success: Hook | None,
    on_failure: Hook | None,
    labels: Labels | None,
    metadata: Mapping[str, Any] | None,
    idempotency_key: str | None,
) -> str:
    """The record of a batch without its tasks."""
    given = {
        "name": name,
        "labels": labels,
        "metadata": metadata,
        "idempotency_key": idempotency_key,
    }
    hooks = {"on_complete": on_complete, "on_success": on_success, "on_failure": on_failure}
    head = options.wire(given)
    for key, hook in hooks.items():
        if hook is not None:
            head += f'{"," if len(head) > 1 else ""}"{key}":{_hook(key, hook)}'
    return head + "}"


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
