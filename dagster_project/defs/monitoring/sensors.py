"""A shift that goes on proposes a retrain, once."""

import json

import dagster as dg

from dagster_project.defs.jobs import retrain
from dagster_project.lib.generated import FAMILY
from tradewind_contracts.settings import Settings
from tradewind_lifecycle.monitoring.standing import read_standing

MOST_TAG = 255
"""Characters of a tag; the whole reason stands in the report."""


@dg.sensor(
    name="shifts",
    job=retrain,
    minimum_interval_seconds=300,
    description="Proposes a retrain, with the reason, when the newest watch says that a shift goes on; once for each shift of a version.",
)
def shifts(context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]) -> dg.SensorResult:
    standing = read_standing(settings, FAMILY)
    world = settings.world_name
    if standing is None or standing.skipped:
        why = standing.skipped if standing else f"world {world} was never watched: `tradewind monitor {FAMILY}` or the job refresh does"
        return dg.SensorResult(skip_reason=why, cursor=context.cursor)
    if standing.proposal is None:
        # The shift is over: the next one is another.
        return dg.SensorResult(skip_reason=f"{standing.champion} is quiet as of {standing.made_at:%Y-%m-%d}", cursor="")
    proposal = standing.proposal
    open_shift = json.dumps([world, proposal.version])
    if context.cursor == open_shift:
        return dg.SensorResult(skip_reason=f"a retrain was proposed for this shift already ({proposal.key})", cursor=context.cursor)
    tags = {
        "tradewind/reason": proposal.reason[:MOST_TAG],
        "tradewind/monitors": ", ".join(proposal.monitors)[:MOST_TAG],
        "tradewind/version": proposal.version,
        "tradewind/since": proposal.since,
    }
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=f"{world}: {proposal.key}", tags=tags)], cursor=open_shift)
