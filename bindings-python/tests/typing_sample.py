"""What type checkers make of the API; `test_package.py` runs mypy on this file and never Python.

A line that ends in `# wrong: CODE` must be refused with this code, every other one accepted.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import windlass
from typing_extensions import assert_type
from windlass import AsyncClient, Client, Context, Handler, TaskHandle, TaskStatus
from windlass.resilience import CircuitBreaker, CircuitBreakerConfig, RetryConfig
from windlass.rest import RestClient

app = windlass.App("memory:")


@app.task(max_retries=3, timeout=dt.timedelta(seconds=30), retry={"initial_delay": 0.5})
async def thumbnail(ctx: Context, path: str, width: int = 320) -> dict[str, str | int]:
    await ctx.progress(50, "decoded")
    return {"path": path, "width": width}


@app.task
def double(x: int) -> int:
    return 2 * x


@app.task
async def nothing() -> None:
    return None


@app.task(queue="images")
def sized(context: Context, size: int) -> bytes:
    return bytes(size)


assert_type(thumbnail.submit(path="a.jpg"), TaskHandle[dict[str, str | int]])
assert_type(thumbnail.submit("a.jpg", 3), TaskHandle[dict[str, str | int]])
assert_type(double(1), int)
assert_type(double.submit(1), TaskHandle[int])
assert_type(double.submit(1).result(timeout=60), int)
assert_type(sized.submit(size=3).result(), bytes)
assert_type(double.submit(1).status(), TaskStatus)
assert_type(nothing.submit().result(), None)
handler: Handler[[int], [int], int, int] = double

thumbnail.options(idempotency_key="a", priority="high", delay=5).submit(path="a.jpg")
thumbnail.submit(pth="a.jpg")  # wrong: call-arg
thumbnail.submit()  # wrong: call-arg
thumbnail.submit(path=1)  # wrong: arg-type
double.submit("x")  # wrong: arg-type
double.options(prio=1)  # wrong: call-arg
double.options(priority=[1]).submit(1)  # wrong: arg-type
double.options(queue="q").submit("x")  # wrong: arg-type
text: str = double.submit(1).result()  # wrong: assignment
app.task(max_retires=3)  # wrong: call-overload
app.worker(concurrency="8")  # wrong: arg-type


pipeline = Client().create_pipeline("p", labels={"a": 1})
first = pipeline.add_stage("first", task=double.bind(1))
assert_type(first, windlass.Stage[int])
assert_type(pipeline.add_stage("next", {"x": 1}, [first, "first"]), windlass.Stage[Any])
pipeline.add_stage("late", task=thumbnail.options(priority=1).bind("a.jpg"), depends_on=first)
assert_type(pipeline.execute(priority="high", timeout=dt.timedelta(hours=1)), windlass.Pipeline)
assert_type(pipeline.result(first), int)
assert_type(pipeline.task(first), TaskHandle[int])
assert_type(pipeline.wait().stages["first"].status, str)
for change in pipeline.monitor():
    assert_type(change.stage, str | None)
    assert_type(change.error, windlass.Failure | None)
pipeline.add_stage("wrong", task=double.bind("x"))  # wrong: arg-type
pipeline.add_stage("wrong", prio=1)  # wrong: call-overload
pipeline.add_stage("wrong", idempotency_key="k")  # wrong: call-overload
pipeline.result(3)  # wrong: arg-type
batch = Client().submit_batch([double.bind(1), {"payload": 2}], on_complete=nothing.bind())
assert_type(batch.wait().counts, dict[str, int])
assert_type(batch.progress, float)
Client().submit_batch([1])  # wrong: list-item
Client().submit_batch([], colour="red")  # wrong: call-arg
Client().submit_block([1], "all", quorm=1)  # wrong: call-arg


async def composed(client: AsyncClient, ctx: Context) -> None:
    pipeline = client.create_pipeline("p")
    stage = pipeline.add_stage("first", task=double.bind(1))
    assert_type(await pipeline.execute(), windlass.AsyncPipeline)
    assert_type(await pipeline.result(stage), int)
    async for change in pipeline.monitor():
        assert_type(change.is_terminal, bool)
    assert_type((await (await client.submit_batch([{"payload": 1}]))).total, int)
    assert_type(await ctx.upstream["first"], Any)
    ctx.state["n"] += 1
    assert_type((await client.list_pipelines(limit=1))[0], windlass.PipelineSummary)


async def main(ctx: Context) -> None:
    assert_type(await thumbnail(ctx, "a.jpg"), dict[str, str | int])
    assert_type(await thumbnail.asubmit("a.jpg"), TaskHandle[dict[str, str | int]])
    assert_type(await (await double.asubmit(1)), int)
    await double.asubmit(y=1)  # wrong: call-arg
    async with AsyncClient() as client:
        status = await client.wait_for_task("id", timeout=dt.timedelta(minutes=5))
        assert_type(status, TaskStatus)
        assert_type((await client.submit_batch([{"payload": 1}])).task_ids, list[str])
        async for update in client.stream_task("id"):
            assert_type(update.timestamp, dt.datetime)
        assert_type(await client.list_tasks(status="failed"), list[windlass.Task])
        assert_type((await client.get_batch("id")).counts, dict[str, int])
        async for event in client.events(queue="mail"):
            assert_type(event.event, str)
    assert_type(await breaker.call(ask, 1), bytes)
    await breaker.call(ask, "1")  # wrong: arg-type
    assert_type(await guarded(1), bytes)
    assert_type((await RestClient("http://localhost").get_task_status("id"))["x"], Any)


breaker = CircuitBreaker("s", expected_exception=(OSError, TimeoutError))


async def ask(n: int) -> bytes:
    return bytes(n)


@breaker
async def guarded(n: int) -> bytes:
    return bytes(n)


assert_type(breaker.call_sync(len, "x"), int)
breaker.call_sync(len, 1)  # wrong: arg-type
Client(endpoint="http://localhost", retry_config=RetryConfig(max_retries=0), circuit_breaker=False)
Client(circuit_breaker=CircuitBreakerConfig(excluded_exceptions=[windlass.QuotaExceededError]))
Client(retry_config=3)  # wrong: arg-type
windlass.App("http://localhost", api_key="k", max_connections=5)


with Client(tenant="t", durability="normal", retention=60) as blocking:
    assert_type(blocking.get_task("id").created_at, dt.datetime)
    assert_type(blocking.get_task_status("id").error, windlass.Failure | None)
    blocking.submit_task(payload={}, priority="low", timeout=1.5)
    blocking.submit_task(timeout="soon")  # wrong: arg-type
Client(durability="none")  # wrong: arg-type
Client(colour="red")  # wrong: call-arg

try:
    blocking.get_task("id")
except windlass.TaskTimeoutError as error:
    assert_type(error.timeout, float)
