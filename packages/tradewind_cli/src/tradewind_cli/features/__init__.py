"""`tradewind features`: the catalogue, sealed training sets, the stores, parity and the versions of views."""
