"""The report of a run: its figures as JSON and its page as HTML."""
