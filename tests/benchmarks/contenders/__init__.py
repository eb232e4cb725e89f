"""What stands side by side in the offline benchmarks; each module has ``prepare(world, folder) -> join``.

``prepare`` opens whatever a user has open before a first question (a connection, an applied Feast repository in ``folder``).
``join(entities)`` takes the entity rows as a data frame and gives the answer as an Arrow table in memory: the entity rows' columns,
then every feature of every view by its name.
"""
