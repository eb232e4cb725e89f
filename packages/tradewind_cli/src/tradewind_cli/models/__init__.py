"""`tradewind models`: what the registry holds, and what may be served."""
