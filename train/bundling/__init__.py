"""From a run to the bundle that is served: converted, checked, calibrated, described."""
