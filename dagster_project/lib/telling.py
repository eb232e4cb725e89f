"""Telling an OpenLineage endpoint of a run while it runs: for `make run` and for runs of the UI alike."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from tradewind_contracts.settings import Settings

if TYPE_CHECKING:
    from dagster_project.lib.lineage_events.sending import Sender

_OVER = "over"


@contextlib.contextmanager
def telling(settings: Settings, instance: dg.DagsterInstance, run_id: str, job: str, say: Callable[[str], None]) -> Iterator[None]:
    """Tell the endpoint of ``settings`` of the run ``run_id`` while it runs inside the block; where none is set, nothing is done.

    ``say`` hears once if the endpoint does not take events. The block's own outcome is never another for it.
    """
    if not settings.openlineage_url:
        yield
        return
    # The library is loaded where an endpoint is set, and nowhere else.
    from dagster_project.lib.lineage_events.sending import sender
    from dagster_project.lib.lineage_events.teller import Teller

    outbox = sender(settings)
    teller = Teller(settings, run_id, job, outbox.send)
    said: list[str] = []

    def hear(entry: Any) -> None:
        if said and said[-1] == _OVER:
            return
        _tried(lambda: teller.hear(entry), outbox)
        _complain(outbox, said, say)

    _tried(teller.begin, outbox)
    _tried(lambda: instance.add_event_listener(run_id, hear), outbox)
    outcome = ""
    try:
        yield
    except Exception:
        outcome = "FAIL"
        raise
    except GeneratorExit:
        # A resource is torn down: whether a step failed is known from the log.
        raise
    except BaseException:
        outcome = "ABORT"
        raise
    finally:
        _tried(lambda: teller.end(outcome), outbox)
        outbox.close()
        _complain(outbox, said, say)
        said.append(_OVER)


def _tried(step: Callable[[], object], outbox: "Sender") -> None:
    """Take a step of the bookkeeping; one that fails is a problem of the outbox, which is said, and never the run's."""
    try:
        step()
    except Exception as error:  # noqa: BLE001 (bookkeeping must not fail the run, nor the step that logged an entry)
        outbox.send(_raising(error))


def _complain(outbox: "Sender", said: list[str], say: Callable[[str], None]) -> None:
    """Once: before anything else is logged, since what is said here is heard here."""
    if outbox.problem and not said:
        said.append(outbox.problem)
        say(outbox.problem)


def _raising(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail
