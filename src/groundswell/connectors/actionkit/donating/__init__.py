"""Money that was given elsewhere, written down at ActionKit: pure readings of records, and what is there already."""
