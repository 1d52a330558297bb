"""One swap by the API: tickets, results, what was spent."""
