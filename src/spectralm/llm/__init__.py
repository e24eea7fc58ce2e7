"""Base model, adapter, training and generation."""
