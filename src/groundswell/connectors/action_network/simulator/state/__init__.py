"""What a simulated Action Network knows: people, everything else, and what lists show of it."""
