"""From pictures to a trained network: one run directory."""
