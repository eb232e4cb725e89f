"""The log of predictions as a source: what services answered, landed as daily partitions of the declared table ``predictions``.

* :mod:`tradewind_lifecycle.predictions.landed`: the landed log: days, files, manifests; reading.
* :mod:`tradewind_lifecycle.predictions.adding`: rows into it, each decision once.
* :mod:`tradewind_lifecycle.predictions.landing`: from the segments that services wrote to the landed log.
* :mod:`tradewind_lifecycle.predictions.judging`: which rows can't be used, and the claims about those that land.
* :mod:`tradewind_lifecycle.predictions.compacting`: one file for each hour.
* :mod:`tradewind_lifecycle.predictions.erasing`: an order or a merchant out of it.
"""

from tradewind_lifecycle.predictions.adding import land_rows
from tradewind_lifecycle.predictions.landed import count_predictions, read_predictions

__all__ = ["count_predictions", "land_rows", "read_predictions"]
