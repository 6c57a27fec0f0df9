"""Action Network without Action Network: for tests, for `make demo`, and for `groundswell simulate action-network`.

`events` makes the bodies of webhooks from a seed, `crowd` the people in them; `sender` sends them the way Action
Network does and keeps a ledger; `webhooks` is what the command calls.
"""
