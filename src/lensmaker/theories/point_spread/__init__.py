"""What the centre of a layer listens to, from moments of kernels that add up over layers."""
