"""Evidence: made on a real Kafka, checked offline by ours and by a stranger's program."""
