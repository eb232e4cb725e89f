"""Features: online store, reader, provider and request-time transforms; plugins for Feast."""
