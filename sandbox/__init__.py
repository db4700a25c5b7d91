"""What makes it run anywhere: embedded Kafka, Azurite, simulated sources; for the demo and the tests."""
