"""What every store must do: one suite, run against a folder and against a real Azurite."""
