"""The parts of scripts/rollout."""
