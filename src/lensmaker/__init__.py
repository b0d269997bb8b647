"""An optical bench for neural networks: predict, measure, compare, diagnose and correct."""
