"""The simulator: a marketplace with planted truth. What a platform would have observed is written apart from what was really so."""
