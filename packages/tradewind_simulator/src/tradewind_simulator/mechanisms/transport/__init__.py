"""The way between hubs: people on shifts, queues, lorries, scans."""
