"""What every room stands on: kernels, engines, seeds, array types, files that are whole or not there."""
