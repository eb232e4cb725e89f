"""Who sells and who shows: merchants and creators, their leads, contacts, subsidies and ends."""
