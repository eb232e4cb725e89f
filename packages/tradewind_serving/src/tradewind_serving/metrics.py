"""What the service counts for Prometheus, beside BentoML's own counts by path and status.

The instruments are made at import: BentoML names the folder that its worker processes share before they import the service.
"""

from prometheus_client import Counter, Gauge, Histogram

from tradewind_serving.answers import EtaAnswer, ServedVersion

REQUESTS = Counter("tradewind_eta_requests", "Requests by endpoint and outcome (answered, refused).", ["endpoint", "outcome"])
PARCELS = Counter("tradewind_eta_parcels", "Parcels that were estimated.")
FALLBACKS = Counter("tradewind_eta_fallbacks", "Fallbacks taken, by kind; a parcel may take several.", ["kind"])
SECONDS = Histogram(
    "tradewind_eta_answer_seconds",
    "From the parsed request to the answer.",
    ["endpoint"],
    buckets=(0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.0),
)
VERSION = Gauge(
    "tradewind_eta_model_info", "1 for the version that is served.", ["model", "number", "digest", "source"], multiprocess_mode="livemax"
)
REFUSED = Counter("tradewind_eta_versions_refused", "Versions that the alias named and that were not served, by reason.", ["reason"])
SWAPS = Counter("tradewind_eta_version_swaps", "Changes of the served version while running.")
LOGGED = Counter("tradewind_eta_logged_answers", "Answers that were written to the prediction log.")
LOG_DROPPED = Counter(
    "tradewind_eta_log_dropped", "Answers that are not in the prediction log (queue_full, not_written, not_formed).", ["reason"]
)


def count_answers(endpoint: str, answers: list[EtaAnswer], seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(endpoint, "answered").inc()
    PARCELS.inc(len(answers))
    SECONDS.labels(endpoint).observe(seconds)
    for answer in answers:
        for fallback in answer.fallbacks:
            FALLBACKS.labels(fallback.kind.value).inc()


def count_refusal(endpoint: str) -> None:
    """Count one request that was well formed and refused."""
    REQUESTS.labels(endpoint, "refused").inc()


def show_version(now: ServedVersion, before: ServedVersion | None) -> None:
    """Name the served version, and no longer the one before."""
    if before is not None:
        VERSION.labels(before.name, str(before.number), before.digest, before.source).set(0)
        SWAPS.inc()
    VERSION.labels(now.name, str(now.number), now.digest, now.source).set(1)
