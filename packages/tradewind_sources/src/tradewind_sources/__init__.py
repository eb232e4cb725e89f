"""Sources: turn somebody's data into the landing tables."""
