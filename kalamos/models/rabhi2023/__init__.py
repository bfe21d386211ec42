"""The model of Rabhi et al. 2023."""
