"""An installation's own tasks: they live as long as the block, and one that ends early is told.

Never starts one again; a loop that may fail mends itself (`gateway`, `schedule`, the county link).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence


@contextlib.asynccontextmanager
async def at_work(
    work: Sequence[Coroutine[object, object, object]], failure: asyncio.Future[None]
) -> AsyncIterator[list[asyncio.Task[object]]]:
    """Run `work` until the block ends; a task that ends before that sets its exception on `failure`."""
    tasks = [asyncio.create_task(coroutine) for coroutine in work]

    def ended(task: asyncio.Task[object]) -> None:
        if not task.cancelled() and not failure.done():
            failure.set_exception(task.exception() or RuntimeError(f"{task.get_name()} ended"))

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield tasks
    finally:
        if not failure.done():
            failure.cancel()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
