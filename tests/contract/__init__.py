"""What every backend promises."""
