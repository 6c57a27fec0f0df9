"""Ctrl-C, for commands that go on until somebody ends them."""

import signal

import anyio


async def interrupted(*more: signal.Signals) -> None:
    """Return once somebody ends the command: by Ctrl-C, SIGTERM, or one of these signals too.

    They are asked for by ourselves: started in the background by a shell, Python would leave Ctrl-C ignored.
    """
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, *more) as signals:
        async for _ in signals:
            return
