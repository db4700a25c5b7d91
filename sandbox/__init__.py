"""What makes it run anywhere: embedded Kafka, Azurite, simulated sources; used by the demo and the tests only."""
