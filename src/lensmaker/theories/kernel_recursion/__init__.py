"""Networks of infinite width, exactly: kernels of all pairs of inputs, from layer to layer."""
