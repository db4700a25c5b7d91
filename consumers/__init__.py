"""What listens: monitor, status, summary, drain, user mapping."""
