"""Where and when: geography, days, weather, the network of hubs and lanes, addresses as written."""
