"""The sealed training sets that living models were made of."""

from collections.abc import Iterator

from tradewind_contracts.errors import IntegrityError, NotFoundError
from tradewind_lifecycle.doctor.examination import Examination
from tradewind_lifecycle.doctor.findings import Finding, Severity
from tradewind_lifecycle.training_sets import read_sealed


def check_training_sets(exam: Examination) -> Iterator[Finding]:
    """The set of each version that an alias names is there and is what was sealed."""
    digests = {version.training_set_digest: (alias, version) for alias, version in exam.living()}
    for digest, (alias, version) in digests.items():
        try:
            read_sealed(digest, exam.settings)
        except (NotFoundError, IntegrityError) as error:
            yield Finding(
                "training sets",
                Severity.WARNING,
                f"the training set of {version.reference} ({alias}): {error}",
                str(exam.settings.paths.training_sets / digest),
                "it is served as before, and can't be reproduced from its set",
                f"restore the folder from a backup; or {exam.command('models', 'reproduce', version.reference, '--from-landing')} "
                "seals it anew where the landing is still the same",
            )
    if digests:
        exam.looked.append(f"{len(digests)} sealed training set{'s' if len(digests) != 1 else ''}")
