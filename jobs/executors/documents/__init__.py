"""Files that people open: what a report shows, and how each format writes it."""
