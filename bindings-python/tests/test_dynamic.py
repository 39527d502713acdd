"""The dynamic executor: dependencies, priorities, memory, a pool that grows and shrinks."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import windlass
from conftest import Spawn, fields, finish, line
from windlass.dynamic import (
    DynamicParallelExecutor,
    DynamicWorkerPool,
    ExecutionTask,
    TaskPriority,
    create_execution_task,
)


def noted(order: list[str], name: str) -> Callable[[], str]:
    def call() -> str:
        order.append(name)
        return name

    return call


def test_executing_in_parallel_as_the_reference_shows() -> None:
    # DYN-01, DYN-02, DYN-06
    def function1() -> int:
        return 1

    def function2() -> int:
        return 2

    # Create executor
    executor = DynamicParallelExecutor()

    # Create tasks
    tasks = [
        ExecutionTask("task1", function1, priority=TaskPriority.HIGH),
        ExecutionTask("task2", function2, priority=TaskPriority.NORMAL),
    ]

    # Execute parallel
    result = executor.execute_parallel(tasks)
    assert set(result) == {"success", "results", "errors", "timed_out", "metrics"}
    assert (result["success"], result["timed_out"]) == (True, False)
    assert result["results"] == {"task1": 1, "task2": 2}
    assert result["errors"] == {}
    metrics = result["metrics"]
    assert (metrics["total"], metrics["completed"], metrics["failed"]) == (2, 2, 0)
    assert metrics["wall_seconds"] > 0
    # Once more, with the same ids: each call is a run of its own.
    assert executor.execute_parallel(tasks, timeout=30)["success"]


def test_tasks_of_the_reference() -> None:
    # DYN-05, DYN-07
    def my_function(*args: Any, param: str) -> tuple[Any, ...]:
        return (*args, param)

    arg1, arg2 = 1, 2
    # Create task directly
    task = ExecutionTask(
        task_id="my_task",
        function=my_function,
        args=(arg1, arg2),
        kwargs={"param": "value"},
        priority=TaskPriority.HIGH,
        dependencies={"prerequisite_task"},
        estimated_duration=30.0,
        memory_requirement_mb=256.0,
        timeout_seconds=300,
    )
    prerequisite = ExecutionTask("prerequisite_task", dict)
    result = DynamicParallelExecutor().execute_parallel([task, prerequisite])
    assert result["results"] == {"prerequisite_task": {}, "my_task": (1, 2, "value")}

    # Or use helper function
    task = create_execution_task(
        "my_task", my_function, arg1, arg2, priority=TaskPriority.HIGH, param="value"
    )
    assert (task.args, task.kwargs) == ((1, 2), {"param": "value"})
    assert task.priority is TaskPriority.HIGH
    result = DynamicParallelExecutor().execute_parallel([task])
    assert result["results"] == {"my_task": (1, 2, "value")}
    assert create_execution_task("t", dict, dependencies=5).kwargs == {"dependencies": 5}


def test_the_priorities_are_those_of_every_task() -> None:
    # DYN-08
    assert [one.name for one in sorted(TaskPriority)] == [
        "CRITICAL",
        "HIGH",
        "NORMAL",
        "LOW",
        "BACKGROUND",
    ]


def test_a_pool_as_the_reference_shows() -> None:
    # DYN-10..13
    logger = logging.getLogger("mine")
    task = ExecutionTask("task", time.process_time)
    # Create worker pool
    pool = DynamicWorkerPool(min_workers=1, max_workers=16, logger=logger)

    # Submit task
    task_id = pool.submit_task(task)

    # Wait for completion
    success = pool.wait_for_completion(timeout=300.0)

    # Get metrics
    metrics = pool.get_performance_metrics()
    assert (task_id, success) == ("task", True)
    assert (metrics["completed"], metrics["running"], metrics["waiting"]) == (1, 0, 0)
    assert pool.results["task"] > 0
    pool.shutdown()
    pool.shutdown()
    with pytest.raises(RuntimeError, match="shut down"):
        pool.submit_task(ExecutionTask("late", dict))


def test_dependencies_are_respected() -> None:
    # DYN-09
    order: list[str] = []
    tasks = [
        ExecutionTask("d", noted(order, "d"), dependencies={"b", "c"}, priority="critical"),
        ExecutionTask("c", noted(order, "c"), dependencies=["a"]),
        ExecutionTask("b", noted(order, "b"), dependencies={"a"}),
        ExecutionTask("a", noted(order, "a"), priority="background"),
    ]
    assert DynamicParallelExecutor().execute_parallel(tasks)["success"]
    assert (order[0], sorted(order[1:3]), order[3]) == ("a", ["b", "c"], "d")


def test_the_most_urgent_task_starts_first() -> None:
    # DYN-08
    order: list[str] = []
    tasks = [
        ExecutionTask(str(priority), noted(order, str(priority)), priority=priority)
        for priority in ("background", 2, TaskPriority.NORMAL, "critical", TaskPriority.LOW)
    ]
    assert DynamicParallelExecutor(max_workers=1).execute_parallel(tasks)["success"]
    assert order == ["critical", "2", str(TaskPriority.NORMAL), str(TaskPriority.LOW), "background"]


def test_what_depends_on_a_failure_is_cancelled_and_the_rest_goes_on() -> None:
    # DYN-09
    wrong = ValueError("bad file")

    def fail() -> None:
        raise wrong

    tasks = [
        ExecutionTask("load", fail),
        ExecutionTask("clean", dict, dependencies={"load"}),
        ExecutionTask("report", dict, dependencies={"clean"}),
        ExecutionTask("other", dict),
    ]
    result = DynamicParallelExecutor().execute_parallel(tasks)
    assert (result["success"], result["timed_out"]) == (False, False)
    assert result["results"] == {"other": {}}
    errors = result["errors"]
    assert errors["load"] is wrong
    assert isinstance(errors["clean"], windlass.TaskCancelledError)
    assert "load" in str(errors["clean"])
    assert errors["report"].task_id == "report"
    metrics = result["metrics"]
    assert (metrics["completed"], metrics["failed"], metrics["cancelled"]) == (1, 1, 2)
    # The error leads to the task's code, and holds nothing of the executor.
    assert wrong.__traceback__ is not None
    assert wrong.__traceback__.tb_frame.f_code.co_name == "fail"


def test_the_pool_grows_to_its_ceiling() -> None:
    # DYN-10
    together = threading.Barrier(4, timeout=30)
    tasks = [ExecutionTask(str(n), together.wait) for n in range(8)]
    result = DynamicParallelExecutor(max_workers=4).execute_parallel(tasks)
    assert result["success"]
    assert result["metrics"]["peak_workers"] == 4


def test_memory_is_admitted_and_not_overdrawn() -> None:
    # DYN-05
    running = most = 0
    lock = threading.Lock()
    together = threading.Barrier(2, timeout=30)

    def hold() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait()
        with lock:
            running -= 1

    tasks = [ExecutionTask(str(n), hold, memory_requirement_mb=300) for n in range(8)]
    executor = DynamicParallelExecutor(max_workers=8, memory_limit_mb=700)
    result = executor.execute_parallel(tasks)
    assert (result["success"], most) == (True, 2)
    assert result["metrics"]["peak_reserved_mb"] == 600
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        executor.execute_parallel([ExecutionTask("huge", hold, memory_requirement_mb=701)])
    assert fields(caught.value) == ("invalid_argument", "memory_requirement_mb")


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_a_task_that_outlives_its_timeout_has_failed(kind: str) -> None:
    # DYN-05
    gate = threading.Event()
    cancelled = threading.Event()

    def plain() -> None:
        gate.wait(30)

    async def coroutine() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    function: Any = plain if kind == "plain" else coroutine
    tasks = [
        ExecutionTask("slow", function, timeout_seconds=0.05),
        # There is one worker: the thread that hangs was replaced.
        ExecutionTask("next", dict),
        ExecutionTask("after", dict, dependencies={"slow"}),
    ]
    try:
        result = DynamicParallelExecutor(max_workers=1).execute_parallel(tasks)
    finally:
        gate.set()
    assert result["results"] == {"next": {}}
    error = result["errors"]["slow"]
    assert isinstance(error, windlass.TaskTimeoutError)
    assert isinstance(error, TimeoutError)
    assert (error.task_id, error.timeout_seconds) == ("slow", 0.05)
    assert isinstance(result["errors"]["after"], windlass.TaskCancelledError)
    assert result["metrics"]["timed_out"] == 1
    assert kind == "plain" or cancelled.wait(30)


def test_the_time_of_a_run_ends_it_and_keeps_what_is_finished() -> None:
    # DYN-02
    gate = threading.Event()
    tasks = [
        ExecutionTask("quick", dict),
        ExecutionTask("hangs", gate.wait, args=(30,), dependencies={"quick"}),
        ExecutionTask("never", dict, dependencies={"hangs"}),
    ]
    executor = DynamicParallelExecutor()
    try:
        result = executor.execute_parallel(tasks, timeout=0.5)
        assert executor.get_performance_metrics()["abandoned_threads"] == 1
    finally:
        gate.set()
    assert (result["success"], result["timed_out"]) == (False, True)
    assert result["results"] == {"quick": {}}
    for task_id in ("hangs", "never"):
        assert isinstance(result["errors"][task_id], windlass.TaskCancelledError)
    assert result["metrics"]["cancelled"] == 2


def test_tasks_go_on_in_the_background() -> None:
    # DYN-02
    gate = threading.Event()
    executor = DynamicParallelExecutor()
    tasks = [ExecutionTask("a", gate.wait, (30,)), ExecutionTask("b", dict, dependencies={"a"})]
    result = executor.execute_parallel(tasks, wait_for_completion=False)
    assert (result["success"], result["results"]) == (None, {})
    assert executor.wait(timeout=0.01)["success"] is None
    assert executor.get_performance_metrics()["waiting"] == 1
    gate.set()
    result = executor.wait(timeout=30)
    assert (result["success"], result["results"]) == (True, {"a": True, "b": {}})


def test_coroutine_functions_run_as_well() -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return number * 2

    tasks = [create_execution_task(str(n), double, n) for n in range(5)]
    result = DynamicParallelExecutor().execute_parallel(tasks)
    assert result["results"] == {str(n): n * 2 for n in range(5)}


def test_a_pool_takes_tasks_at_any_time() -> None:
    # DYN-11, DYN-12
    gate = threading.Event()
    with DynamicWorkerPool(max_workers=2) as pool:
        pool.submit_task(ExecutionTask("first", gate.wait, (30,)))
        pool.submit_task(ExecutionTask("second", dict, dependencies={"first"}))
        assert pool.wait_for_completion(timeout=0.01) is False
        gate.set()
        assert pool.wait_for_completion()
        pool.submit_task(ExecutionTask("third", dict, dependencies={"first", "second"}))
        assert pool.wait_for_completion(timeout=30)
        assert set(pool.results) == {"first", "second", "third"}
        assert pool.errors == {}


def test_a_task_may_submit_others() -> None:
    # DYN-11
    with DynamicWorkerPool(max_workers=1) as pool:

        def more() -> str:
            return pool.submit_task(ExecutionTask("inner", dict))

        pool.submit_task(ExecutionTask("outer", more))
        assert pool.wait_for_completion(timeout=30)
        assert pool.results == {"outer": "inner", "inner": {}}


def threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("windlass-dynamic")]


def test_threads_end_with_their_pool() -> None:
    def ended() -> bool:
        for thread in threads():
            thread.join(30)
        return not threads()

    pool = DynamicWorkerPool()
    pool.submit_task(ExecutionTask("a", dict))
    pool.wait_for_completion()
    assert threads()
    del pool
    gc.collect()
    assert ended()
    DynamicParallelExecutor().execute_parallel([ExecutionTask("a", dict)])
    assert ended()
    executor = DynamicParallelExecutor()
    executor.execute_parallel([ExecutionTask("a", dict)], wait_for_completion=False)
    executor.wait()
    assert ended()


def test_recommendations_come_from_what_was_measured() -> None:
    # DYN-03, DYN-04
    executor = DynamicParallelExecutor(max_workers=4)
    assert executor.get_optimization_recommendations() == []
    assert executor.get_performance_metrics()["total"] == 0

    def fail() -> None:
        raise ValueError

    tasks = [ExecutionTask(str(n), fail if n < 3 else dict) for n in range(10)]
    executor.execute_parallel(tasks)
    said = executor.get_optimization_recommendations()
    assert said[0].startswith("3 of 10 tasks failed")
    metrics = executor.get_performance_metrics()
    assert (metrics["completed"], metrics["failed"]) == (7, 3)
    assert metrics["throughput_per_second"] > 0
    assert 0 < metrics["average_seconds"] <= metrics["p95_seconds"] <= metrics["wall_seconds"]
    assert 0 <= metrics["utilisation"] <= 1


def test_estimates_are_compared_with_what_was_measured() -> None:
    # DYN-04, DYN-05
    executor = DynamicParallelExecutor()
    executor.execute_parallel([ExecutionTask("a", dict, estimated_duration=1000)])
    assert any("estimated_duration" in one for one in executor.get_optimization_recommendations())


@pytest.mark.parametrize(
    ("field", "tasks"),
    [
        ("task_id", [ExecutionTask("a", dict), ExecutionTask("a", dict)]),
        ("task_id", [ExecutionTask("", dict)]),
        ("task_id", [ExecutionTask(5, dict)]),  # type: ignore[arg-type]
        ("function", [ExecutionTask("a", None)]),  # type: ignore[arg-type]
        ("args", [ExecutionTask("a", dict, "args")]),
        ("args", [ExecutionTask("a", dict, 5)]),  # type: ignore[arg-type]
        ("kwargs", [ExecutionTask("a", dict, (), [])]),  # type: ignore[arg-type]
        ("priority", [ExecutionTask("a", dict, priority="urgent")]),
        ("priority", [ExecutionTask("a", dict, priority=0)]),
        ("priority", [ExecutionTask("a", dict, priority=6)]),
        ("priority", [ExecutionTask("a", dict, priority=True)]),
        ("dependencies", [ExecutionTask("a", dict, dependencies={"a"})]),
        ("dependencies", [ExecutionTask("a", dict, dependencies={"missing"})]),
        ("dependencies", [ExecutionTask("a", dict, dependencies="b"), ExecutionTask("b", dict)]),
        ("dependencies", [ExecutionTask("a", dict, dependencies=[5])]),  # type: ignore[list-item]
        (
            "dependencies",
            [
                ExecutionTask("a", dict, dependencies={"b"}),
                ExecutionTask("b", dict, dependencies={"a"}),
            ],
        ),
        ("memory_requirement_mb", [ExecutionTask("a", dict, memory_requirement_mb=-1)]),
        ("memory_requirement_mb", [ExecutionTask("a", dict, memory_requirement_mb=float("nan"))]),
        ("memory_requirement_mb", [ExecutionTask("a", dict, memory_requirement_mb=None)]),  # type: ignore[arg-type]
        ("timeout_seconds", [ExecutionTask("a", dict, timeout_seconds=0)]),
        ("timeout_seconds", [ExecutionTask("a", dict, timeout_seconds=-1)]),
        ("timeout_seconds", [ExecutionTask("a", dict, timeout_seconds=True)]),
        ("estimated_duration", [ExecutionTask("a", dict, estimated_duration=-1)]),
        ("tasks", ["a"]),
        ("tasks", 5),
    ],
)
def test_bad_tasks_are_named_and_nothing_runs(field: str, tasks: Any) -> None:
    # DYN-09
    ran = []
    executor = DynamicParallelExecutor()
    if isinstance(tasks, list):
        tasks = [ExecutionTask("good", lambda: ran.append(1)), *tasks]
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        executor.execute_parallel(tasks)
    assert fields(caught.value) == ("invalid_argument", field)
    assert (ran, executor.get_performance_metrics()["total"]) == ([], 0)


def test_a_cycle_is_told_whole() -> None:
    tasks = [ExecutionTask(name, dict, dependencies={on}) for name, on in ("ab", "bc", "ca")]
    with pytest.raises(windlass.InvalidArgumentError, match=r"a.*b.*c|b.*c.*a|c.*a.*b"):
        DynamicParallelExecutor().execute_parallel(tasks)


@pytest.mark.parametrize(
    ("field", "settings"),
    [
        ("min_workers", {"min_workers": 0}),
        ("min_workers", {"min_workers": True}),
        ("max_workers", {"min_workers": 3, "max_workers": 2}),
        ("max_workers", {"max_workers": -1}),
        ("max_workers", {"max_workers": 1.5}),
        ("memory_limit_mb", {"memory_limit_mb": 0}),
        ("memory_limit_mb", {"memory_limit_mb": "1"}),
        ("logger", {"logger": "mine"}),
    ],
)
def test_bad_settings_are_named(field: str, settings: dict[str, Any]) -> None:
    # DYN-10
    for make in (DynamicParallelExecutor, DynamicWorkerPool):
        with pytest.raises(windlass.InvalidArgumentError) as caught:
            make(**settings)
        assert fields(caught.value) == ("invalid_argument", field)


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "5", True])
def test_a_bad_timeout_is_named(timeout: Any) -> None:
    with pytest.raises(windlass.InvalidArgumentError) as caught:
        DynamicParallelExecutor().execute_parallel([], timeout=timeout)
    assert fields(caught.value) == ("invalid_argument", "timeout")


async def test_blocking_is_refused_inside_a_loop() -> None:
    with pytest.raises(RuntimeError, match="to_thread"):
        DynamicParallelExecutor().execute_parallel([])


def test_no_tasks_are_a_success() -> None:
    result = DynamicParallelExecutor().execute_parallel([])
    assert (result["success"], result["results"], result["timed_out"]) == (True, {}, False)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_process_is_raised(kind: type[BaseException]) -> None:
    def end() -> None:
        raise kind

    tasks = [ExecutionTask("end", end), ExecutionTask("after", dict, dependencies={"end"})]
    with pytest.raises(kind):
        DynamicParallelExecutor().execute_parallel(tasks)


def test_ctrl_c_ends_the_wait(spawn: Spawn) -> None:
    process = spawn(
        code="""
import time
from windlass.dynamic import DynamicParallelExecutor, ExecutionTask

def hang():
    print("started", flush=True)
    time.sleep(60)

try:
    DynamicParallelExecutor().execute_parallel([ExecutionTask("a", hang)])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    )
    line(process, "started")
    process.send_signal(signal.SIGINT)
    out, _ = finish(process)
    assert "interrupted" in out
