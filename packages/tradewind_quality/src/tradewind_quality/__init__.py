"""Quality: Great Expectations suites derived from the table declarations, and claims written by hand."""
