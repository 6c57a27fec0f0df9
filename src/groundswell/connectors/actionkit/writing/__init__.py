"""What the sinks have in common, and what each of them is made of."""
