"""The leaderboard: table, page, publication."""
