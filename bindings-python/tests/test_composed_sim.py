"""Batches, pipelines, blocks and states under crashes, duplicate deliveries and reordering."""

from __future__ import annotations

import asyncio
from typing import Any

import windlass
from windlass.testing import Sim


@windlass.sim(seeds=60)
def test_a_state_counts_each_completion_once(sim: Sim) -> None:
    # STA-03
    @sim.app.task
    async def count(ctx: windlass.Context) -> int:
        ctx.state["n"] += 1
        await asyncio.sleep(0.3)
        found: int = ctx.state["n"]
        return found

    given: Any = {"state_key": "k", "initial_state": {"n": 0}}
    handles = [count.options(**given).submit() for _ in range(8)]
    sim.run()
    assert [handle.result() for handle in handles] == list(range(1, 9))
    assert sim.app.client.get_state("k") == {"n": 8}


@windlass.sim(seeds=60)
def test_a_pipeline_ends_right(sim: Sim) -> None:
    # PIP-05
    @sim.app.task
    async def part(n: int) -> int:
        await asyncio.sleep(0.2 * n)
        return n

    @sim.app.task
    async def total(ctx: windlass.Context) -> int:
        await asyncio.sleep(0.1)
        names = await ctx.upstream.names()
        return sum([await ctx.upstream[name] for name in names])

    @sim.app.task(max_retries=0)
    def refuse(ctx: windlass.Context) -> None:
        raise windlass.Fail("never")

    pipeline = sim.app.client.create_pipeline("diamond")
    root = pipeline.add_stage("root", task=part.bind(1))
    sides = [pipeline.add_stage(f"s{n}", depends_on=root, task=part.bind(n)) for n in (2, 3)]
    join = pipeline.add_stage("join", depends_on=sides, task=total.bind())
    bad = pipeline.add_stage("bad", depends_on=root, task=refuse.bind())
    pipeline.add_stage("after", depends_on=[bad, join], task=total.bind())
    pipeline.execute()
    sim.run()
    ended = pipeline.wait()
    assert {name: stage.status for name, stage in ended.stages.items()} == {
        "root": "completed",
        "s2": "completed",
        "s3": "completed",
        "join": "completed",
        "bad": "failed",
        "after": "cancelled",
    }
    assert ended.status == "failed"
    assert pipeline.result(join) == 5
    changes = list(pipeline.monitor())
    assert [change.is_terminal for change in changes].count(True) == 1
    assert changes[-1].is_terminal
    order = [change.stage for change in changes if change.status == "completed"]
    assert order.index("root") < order.index("s2") < order.index("join")


@windlass.sim(seeds=40)
def test_batches_and_blocks_count_each_task_once(sim: Sim) -> None:
    @sim.app.task
    async def step(payload: int) -> int:
        await asyncio.sleep(0.1 * payload)
        return payload

    @sim.app.task
    def report(ctx: windlass.Context) -> Any:
        return ctx.upstream["batch"]["counts"]

    client = sim.app.client
    batch = client.submit_batch(
        [step.bind(n) for n in range(6)], on_complete=report.bind(), on_failure=report.bind()
    )
    block = client.submit_block([1, 2, 3, 4], "quorum", quorum=2, task_type="step")
    sim.run()
    ended = batch.wait()
    assert (ended.status, ended.counts) == ("completed", {"completed": 6})
    hooks = [client.get_task(task_id) for task_id in ended.hooks.values()]
    assert [(task.status, task.result) for task in hooks] == [
        ("completed", {"completed": 6}),
        ("cancelled", None),
    ]
    verdict = block.wait()
    assert verdict.overall_status == "completed"
    assert verdict.completed_tasks >= 2
    assert verdict.completed_tasks + verdict.cancelled_tasks == 4
    members = [entry.member_id for entry in batch.stream() if entry.kind == "member"]
    assert sorted(id or "" for id in members) == sorted(batch.task_ids)
