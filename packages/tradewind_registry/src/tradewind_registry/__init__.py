"""Registry: versions, aliases, history, audit and content-addressed bundles."""
