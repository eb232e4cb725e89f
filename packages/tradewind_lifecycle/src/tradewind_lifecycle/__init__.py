"""Lifecycle: publish, training sets, backtest, score, gates, cards; all that Dagster and the command line only call."""
