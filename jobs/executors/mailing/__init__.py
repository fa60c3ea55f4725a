"""What sends mail, for EMAIL and REPORT."""
