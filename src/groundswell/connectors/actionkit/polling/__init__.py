"""Reading what is new: `poll.py` is the source, this is how it goes about it."""
