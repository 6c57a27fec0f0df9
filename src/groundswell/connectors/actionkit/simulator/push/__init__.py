"""The Push API: what happens at a simulated ActionKit, sent the way Amazon SNS sends for the real one."""
