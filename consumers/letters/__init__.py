"""Dead letters: which are open, what was done about them, and how a record is put in again (rule 24)."""
