"""OpenLineage: what a run reads and writes, told to an endpoint where one is set; a run never waits for it and never fails by it."""
