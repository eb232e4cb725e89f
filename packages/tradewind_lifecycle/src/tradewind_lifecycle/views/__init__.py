"""Feature views over time: what defines one, which definitions stand beside each other, and how past days are filled."""
