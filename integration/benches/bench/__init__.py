"""What scripts/bench measures, one concern a file."""
