"""The mathematics that both sides of an artifact compute, with NumPy and Numba and nothing else."""
