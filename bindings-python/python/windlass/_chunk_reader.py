"""Data in chunks, so that never all of it is in memory."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Generic, TypeVar

from windlass.options import invalid

T = TypeVar("T")


class ChunkReader(Generic[T]):
    """Reads anything that can be iterated, with `for` or `async for`, in chunks.

        async for chunk in ChunkReader(rows).read_chunks(10_000):
            await parallel.gather(chunk, process, max_concurrency=10)

    The next chunk is read when it is asked for: what reads slower than it processes is never ahead.
    """

    def __init__(self, source: Iterable[T] | AsyncIterable[T]) -> None:
        if not isinstance(source, (AsyncIterable, Iterable)):
            raise invalid("source", f"must be iterable, not {type(source).__name__}")
        self._source = source

    async def read_chunks(self, chunk_size: int = 10_000) -> AsyncIterator[list[T]]:
        """Lists of `chunk_size` items, the last one shorter; none is empty.

        Raises `InvalidArgumentError`, and whatever the source raises.
        """
        if isinstance(chunk_size, bool) or not isinstance(chunk_size, int) or chunk_size < 1:
            raise invalid("chunk_size", f"must be a whole number from 1, not {chunk_size!r}")
        chunk: list[T] = []
        async for item in _items(self._source):
            chunk.append(item)
            if len(chunk) == chunk_size:
                yield chunk
                # Not cleared: the chunk is the reader's.
                chunk = []
        if chunk:
            yield chunk


async def _items(source: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
    else:
        for item in source:
            yield item
