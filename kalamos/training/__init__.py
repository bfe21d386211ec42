"""Training: one loop, the data, the recipes, and the rules fitted to training writers."""
