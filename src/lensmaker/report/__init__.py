"""Records → terminal, notebook, HTML, JSON."""
