"""Instruments that read samples of spin systems."""
