"""ActionKit without ActionKit: for tests, for `make demo`, and for `groundswell simulate actionkit`.

`server` serves its API out of `state`, by the rules in `calls`, as strict and as odd as the real one; `push` sends
what happens there, as Amazon SNS does for it. README.md of the folder above says more.
"""
