"""Residuals, tables and figures; knows predictions and labels, no models."""
