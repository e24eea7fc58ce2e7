"""What an experiment will need, told from its config before anything is submitted."""
