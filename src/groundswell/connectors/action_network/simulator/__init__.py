"""Action Network without Action Network: for tests, for `make demo`, and for `groundswell simulate action-network`.

`server` serves its API out of `state`, by the rules in `calls`, as strict and as odd as the real one; `hooks` sends
what happens there as webhooks. `events` makes up webhooks without it. README.md of the folder above says more.
"""
