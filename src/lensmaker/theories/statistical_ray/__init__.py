"""The statistical ray: a recorded train walked by clouds of virtual neurons."""
