"""Read-ins: small networks that make soft tokens of a spectrum, for texts with `flux: soft`."""
