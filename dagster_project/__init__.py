"""The order of things: one graph from the landed files to the answered question. It holds no maths."""
