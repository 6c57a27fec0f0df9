"""Writing people and what they did: the sinks are beside this folder, this is how they go about it."""
