"""What collects: one folder for each source, and the runner that polls, confirms, states watermarks."""
