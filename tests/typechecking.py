"""The run-time type checker of the tests: beartype, which here takes an int where a float is asked, as PEP 484 does."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
