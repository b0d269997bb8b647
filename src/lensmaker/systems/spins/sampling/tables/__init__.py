"""What kernels read of a Hamiltonian: bonds, products, colours, acceptances, and how spins are packed."""
