"""Importing as if some packages were not installed: LightGBM loads pandas and scikit-learn wherever it finds them.

A Bento has neither; where the service runs from a developer's environment it must behave, and start, as it does there.
"""

import contextlib
import sys
from collections.abc import Iterator

UNUSED_BY_PREDICTORS = ("pandas", "sklearn", "dask", "matplotlib", "polars")


@contextlib.contextmanager
def absent(names: tuple[str, ...] = UNUSED_BY_PREDICTORS) -> Iterator[None]:
    """Within the block, importing one of ``names`` fails, unless this process has it already; afterwards all is as before."""
    hidden = [name for name in names if name not in sys.modules]
    # None in sys.modules makes an import fail with ModuleNotFoundError (Python reference, 5.3.1).
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is how Python marks a module as absent
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
