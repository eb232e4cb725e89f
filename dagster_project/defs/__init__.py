"""What exists: one folder per stage; every Dagster object in these modules is part of the graph."""
