"""The packed online store: one row per view and entity, written by one process and read by many."""
