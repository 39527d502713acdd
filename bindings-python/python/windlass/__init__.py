"""Durable tasks: a file on a laptop, a cluster by changing a URL.

    app = windlass.App()

    @app.task(max_retries=3, timeout=30)
    async def thumbnail(ctx, path: str, width: int = 320): ...

    handle = thumbnail.submit(path="a.jpg")
    print(handle.result(timeout=60))

`windlass worker photos:app` runs what is submitted. Delivery is at least once.
"""

from windlass._native import version as __version__
from windlass.app import App
from windlass.async_client import AsyncClient
from windlass.batch import AsyncBatchHandle, Batch, BatchHandle
from windlass.block import AsyncBlockHandle, BlockHandle
from windlass.calls import TaskCall
from windlass.client import Client
from windlass.context import Context
from windlass.error_response import ErrorResponse
from windlass.errors import *  # noqa: F403  the generated file lists them
from windlass.errors import __all__ as _errors
from windlass.handle import TaskHandle
from windlass.handler import Handler, Handles
from windlass.lifecycle import TaskEvent, TaskEvents
from windlass.open_batch import AsyncOpenBatch, OpenBatch
from windlass.outcomes import Cancel, Fail, Outcome, Retry, Snooze
from windlass.pipeline import AsyncPipeline, Pipeline
from windlass.queues import Changed, ClusterHealth, Count, QueueInfo, Tally
from windlass.resilience import CircuitBreakerConfig, RetryConfig
from windlass.stages import PipelineStatus, PipelineSummary, Stage, StageChange, StageStatus
from windlass.task import (
    BatchStatuses,
    Failure,
    LogEntry,
    Submission,
    Task,
    TaskStatus,
    TaskUpdate,
    Why,
)
from windlass.testing import sim
from windlass.updates import Updates
from windlass.upstream import MissingUpstreamError, Upstream
from windlass.worker import Worker

__all__ = [
    "App",
    "AsyncBatchHandle",
    "AsyncBlockHandle",
    "AsyncClient",
    "AsyncOpenBatch",
    "AsyncPipeline",
    "Batch",
    "BatchHandle",
    "BatchStatuses",
    "BlockHandle",
    "Cancel",
    "Changed",
    "CircuitBreakerConfig",
    "Client",
    "ClusterHealth",
    "Context",
    "Count",
    "ErrorResponse",
    "Fail",
    "Failure",
    "Handler",
    "Handles",
    "LogEntry",
    "MissingUpstreamError",
    "OpenBatch",
    "Outcome",
    "Pipeline",
    "PipelineStatus",
    "PipelineSummary",
    "QueueInfo",
    "Retry",
    "RetryConfig",
    "Snooze",
    "Stage",
    "StageChange",
    "StageStatus",
    "Submission",
    "Tally",
    "Task",
    "TaskCall",
    "TaskEvent",
    "TaskEvents",
    "TaskHandle",
    "TaskStatus",
    "TaskUpdate",
    "Updates",
    "Upstream",
    "Why",
    "Worker",
    "__version__",
    "sim",
]
__all__ += _errors
