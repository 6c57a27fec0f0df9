"""One person per phone number: who they are, what is known of them, what they said about being texted.

Rules over values that are handed in: nothing here reads a clock, a file, a database or the network.
"""
