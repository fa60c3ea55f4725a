"""What the dummy runs of one process have in common."""
