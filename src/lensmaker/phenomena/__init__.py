"""Claims checked by a theory beside an instrument: the room is laid, the catalogue comes later."""
