"""What a simulated ActionKit knows: tables, what the resources over them show, and how it behaves."""
