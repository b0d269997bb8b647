"""What is studied: networks, spin systems, Boltzmann machines."""
