"""Services: the Bento, and what the running service answers."""
