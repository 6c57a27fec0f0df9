"""`[sync.NAME]`: one account and the members kept in step, field by field, in both directions."""
