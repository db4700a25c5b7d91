"""What listens: monitor, status, delivery log, user mapping."""
