"""What a version of the ETA model is watched by after it was served: when a window of its answers is called moved, or bad.

Every value is what is left after chance (see ``tradewind_lifecycle.monitoring``), so that a window of few rows stays quiet.
Thresholds were chosen on the public Olist data: about twice the largest value of the thirteen weeks from 2017-06-15, in which nothing
moved, answered by the version of that day. All but one before any other span was looked at: ``is_not_biased`` was the mean error at first,
and took coverage's threshold when it became the share by p50 (docs/adr/0024-drift.md says why).
"""

from tradewind_contracts.verdicts import Gate

CLAIMED_COVERAGE = 0.8
"""Share of outcomes that [p10, p90] claims to hold."""
CLAIMED_OVERDUE = 0.1
"""Share of outcomes that p90 claims to leave behind."""
RIPE_DAYS = 28
"""Days after a window's end at which its errors are judged. Chosen on 2017: nineteen parcels of twenty have arrived by then."""
LEAST_ROWS = 100
"""Windows with fewer answers, or fewer known outcomes, are not judged: chosen, a coverage of fewer moves by a point a parcel."""

DRIFT_MONITORS: tuple[Gate, ...] = (
    Gate(
        name="inputs_keep_their_shape",
        claim="distance of the most moved input from its sealed shape beyond chance and beyond what it usually moves, standard deviations",
        direction="at_most",
        threshold=0.5,
    ),
    Gate(
        name="inputs_are_known",
        claim="largest rise of an input's share of unknown values over the sealed one, beyond chance",
        direction="at_most",
        threshold=0.1,
    ),
    Gate(
        name="features_are_fresh",
        claim="hours by which a daily view's median age exceeds the sealed 90 % point",
        direction="at_most",
        threshold=24.0,
    ),
    Gate(
        name="answers_keep_their_shape",
        claim="distance of the most moved quantile or width from its sealed shape beyond chance, standard deviations",
        direction="at_most",
        threshold=0.3,
    ),
)
LIVE_MONITORS: tuple[Gate, ...] = (
    Gate(
        name="errs_as_little_as_judged",
        claim="MAE divided by the sealed MAE: lower end of the 95 % interval over days",
        direction="at_most",
        threshold=1.25,
    ),
    Gate(
        name="beats_the_lane_median_live",
        claim="MAE minus that of the lane median known at the window's start: lower end of the 95 % interval over days, days",
        direction="at_most",
        threshold=0.0,
    ),
    Gate(
        name="covers_what_it_claims",
        claim="distance of the share within [p10, p90] from 0.8, beyond the 95 % interval over days",
        direction="at_most",
        threshold=0.1,
    ),
    Gate(
        name="is_not_biased",
        claim="distance of the share that had arrived by p50 from 0.5, beyond the 95 % interval over days",
        direction="at_most",
        threshold=0.1,
    ),
    Gate(
        name="is_seldom_overdue",
        claim="share of parcels not there when their p90 had passed, beyond the 95 % interval over days; says 0.1",
        direction="at_most",
        threshold=0.15,
    ),
)
MONITORS: tuple[Gate, ...] = (*DRIFT_MONITORS, *LIVE_MONITORS)
