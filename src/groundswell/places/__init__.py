"""Countries, and the states and provinces of some: by code, and by the names people and vendors give them."""
