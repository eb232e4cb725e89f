"""The prediction log: every answer with what was asked, what the model saw, and which version said what.

* :mod:`tradewind_serving.prediction_log.treatments`: what the log does with one field of a request; stands beside the field.
* :mod:`tradewind_serving.prediction_log.policy`: what it does with all of them, under the settings of this process.
* :mod:`tradewind_serving.prediction_log.rows`: decisions as rows of the declared table ``predictions``.
* :mod:`tradewind_serving.prediction_log.columns`: Arrow columns without pandas.
* :mod:`tradewind_serving.prediction_log.log`: the queue that a request appends to, and the thread that writes.
"""
