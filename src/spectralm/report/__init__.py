"""What people read of an experiment: the report, and the cards of models and data sets."""
