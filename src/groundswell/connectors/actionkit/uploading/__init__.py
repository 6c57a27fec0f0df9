"""Bulk imports: rows made of records, and what became of each of them."""
