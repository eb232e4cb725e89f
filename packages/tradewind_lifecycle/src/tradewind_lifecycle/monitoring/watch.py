"""The watch of a world: its prediction log version by version, or a replay, judged window by window; kept as files for people and the graph."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from tradewind_contracts.errors import NotFoundError
from tradewind_contracts.instants import iso
from tradewind_contracts.settings import Settings
from tradewind_contracts.world import World
from tradewind_lifecycle.labels import read_labels
from tradewind_lifecycle.monitoring.proposing import proposal_of, proposals_over
from tradewind_lifecycle.monitoring.pseudonyms import named_alike
from tradewind_lifecycle.monitoring.replaying import replay
from tradewind_lifecycle.monitoring.standing import Proposal, Standing
from tradewind_lifecycle.monitoring.watched import Watched, watched_version
from tradewind_lifecycle.monitoring.watching import Truth, WindowReport, judge_windows
from tradewind_lifecycle.monitoring.windows import Window, newest_weeks, windows_between
from tradewind_lifecycle.predictions import count_predictions, read_predictions
from tradewind_lifecycle.provenance import data_kind
from tradewind_models.eta.predictor import FAMILY
from tradewind_registry import CHAMPION, RegistryClient

Progress = Callable[[str], None]

WEEKS = 12
"""Weeks of the log that are looked at. Chosen: four that are not ripe yet, and two months in which a shift can show."""
MOST_ANSWERS = 200_000
"""Answers of the log that a watch holds in memory. Chosen: a week has 17,000 then, whose intervals are those of its days, not of its rows."""
AS_SERVED = "as served"
"""The name of the answers of all versions together, held against the champion's shapes."""


class Watch(BaseModel):
    """What a watch found. ``versions``: each version's windows, oldest first; ``served``: those of whichever version answered.

    ``skipped`` says why there is nothing to judge, and is empty where there is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    family: str
    world: str
    data_kind: str
    made_at: dt.datetime
    champion: str
    replayed: bool = False
    share: float = 1.0
    """Share of the log's answers that was looked at (0 to 1), drawn by their decision ids."""
    skipped: str = ""
    versions: dict[str, tuple[WindowReport, ...]] = {}
    served: tuple[WindowReport, ...] = ()
    proposal: Proposal | None = None
    """The shift that still goes on in the newest windows."""
    proposals: tuple[Proposal, ...] = ()
    """Of a replay: each shift, as it would have been proposed when it came."""

    @property
    def answers(self) -> int:
        """Answers in all windows."""
        return sum(report.drift.rows for report in self.served)

    @property
    def standing(self) -> Standing:
        """It in short."""
        return Standing(champion=self.champion, made_at=self.made_at, skipped=self.skipped, proposal=self.proposal)


def watch(settings: Settings, weeks: int = WEEKS, progress: Progress = lambda _: None) -> Watch:
    """Judge the last whole weeks (Monday to Sunday, local) of the world's prediction log before its clock, with the truth known then.

    Raises:
        StateError: no world, or no labels are published. IntegrityError: the log is damaged.
    """
    world = World.read(settings.paths.world_file)
    now = world.clock.now()
    windows = newest_weeks(now, weeks, world.zone)
    span = windows[0].start, windows[-1].end
    share = min(1.0, MOST_ANSWERS / max(count_predictions(settings, *span), 1))
    log = read_predictions(settings, *span, share=share)
    log = _rows_where(log, "model", FAMILY)
    with RegistryClient.open(settings) as registry:
        champion = _champion(registry)
        numbers = sorted({int(number) for number in log["version"].unique().to_numpy()})
        known = {number: _watched(registry, number) for number in numbers}
    found = Watch(
        family=FAMILY,
        world=settings.world_name,
        data_kind=data_kind(settings),
        made_at=now,
        champion=champion.name if champion else "",
        share=share,
    )
    if champion is None:
        return found.model_copy(
            update={"skipped": f"world {settings.world_name} has no champion yet: nothing is served that could be watched"}
        )
    if not log.num_rows:
        return found.model_copy(update={"skipped": _no_log(windows, settings)})
    log, outcomes = named_alike(log, read_labels(settings), settings.log_key.get_secret_value() if settings.log_key else "")
    truth = Truth(outcomes)
    progress(f"{log.num_rows:,} answers of {len(numbers)} versions in {len(windows)} weeks before {iso(now)}")
    versions = {
        watched.name: tuple(judge_windows(_rows_where(log, "version", number), watched, windows, truth, now, world.zone))
        for number, watched in known.items()
    }
    served = judge_windows(log, champion.model_copy(update={"name": AS_SERVED}), windows, truth, now, world.zone)
    proposal = proposal_of(served)
    named = proposal.model_copy(update={"version": champion.name}) if proposal else None
    return found.model_copy(update={"versions": versions, "served": tuple(served), "proposal": named})


def watch_replay(
    settings: Settings, start: dt.datetime, end: dt.datetime, as_of: dt.datetime, progress: Progress = lambda _: None
) -> Watch:
    """Judge what the version of ``as_of`` would have answered to the orders of [start, end), each window as it could be judged when ripe.

    Raises:
        SettingsError: the span is empty, too short, or begins before ``as_of``.
        StateError: nothing is published.
    """
    zone = World.read(settings.paths.world_file).zone
    windows = windows_between(start, end, zone)
    found = replay(settings, start, windows[-1].end, as_of, progress)
    truth = Truth.read(settings)
    reports = judge_windows(found.log, found.watched, windows, truth, truth.until or end, zone, as_it_went=True)
    return Watch(
        family=FAMILY,
        world=settings.world_name,
        data_kind=data_kind(settings),
        made_at=World.read(settings.paths.world_file).clock.now(),
        champion=found.watched.name,
        replayed=True,
        versions={found.watched.name: tuple(reports)},
        served=tuple(reports),
        proposal=proposal_of(reports),
        proposals=proposals_over(reports),
    )


def _champion(registry: RegistryClient) -> Watched | None:
    try:
        return watched_version(registry.resolve(f"{FAMILY}@{CHAMPION}"))
    except NotFoundError:
        return None


def _watched(registry: RegistryClient, number: int) -> Watched:
    """A version of the log; one that the registry does not hold (another registry's baked bundle) is watched without a reference."""
    try:
        return watched_version(registry.resolve(f"{FAMILY}@{number}"))
    except NotFoundError:
        unknown = dt.datetime.fromtimestamp(0, dt.UTC)
        return Watched(name=f"{FAMILY}@{number}", as_of=unknown, shapes={}, mae_days=None)


def _rows_where(log: pa.Table, name: str, value: str | int) -> pa.Table:
    column: Any = log[name]
    kept: Any = pc.equal(column, pa.scalar(value, column.type))
    return log.filter(kept)


def _no_log(windows: Sequence[Window], settings: Settings) -> str:
    span = f"{iso(windows[0].start)} to {iso(windows[-1].end)}"
    return f"world {settings.world_name} has no landed answer from {span}: services write them (TRADEWIND_PREDICTION_LOG), `tradewind predictions land` lands them"
