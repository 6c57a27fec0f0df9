"""ActBlue without ActBlue: for tests, and for `groundswell simulate actblue`.

Everything is drawn from one `ledger` of gifts: what `messages` writes and `sender` posts as webhooks, and what the CSV
API in `server` gives. None of it knows how groundswell reads either. README.md of this folder says more.
"""
