"""What ActBlue sends, made again from records of it."""
