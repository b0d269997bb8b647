"""Mathematics with no physics in it: quadrature, spectra, statistics."""
