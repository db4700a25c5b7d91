"""What people are told: advice, faults, tables, progress, reports. Nothing here starts or changes anything."""
