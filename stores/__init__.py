"""Where bytes rest: a folder and Azure Blob behind one small interface."""
