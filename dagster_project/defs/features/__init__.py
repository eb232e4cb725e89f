"""Features: views, the online store, and the proof that both sides agree."""
