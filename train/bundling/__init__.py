"""Convert a run into the bundle that is served: LiteRT network, calibration, metrics and model card."""
