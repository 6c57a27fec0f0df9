"""The dashboard: pages a browser gets from the ops port, made on the server.

A page is a module with its handler (`overview.py`), a template (`templates/overview.html`) and a line in `pages.py`.
The handler asks operations, as the API does, and holds no logic of its own; the line says what its forms have done.
"""
