"""Goal → system: diagnose and correct."""
