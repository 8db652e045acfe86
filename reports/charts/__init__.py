"""Charts, one kind per file: findings in, `Chart` out."""
