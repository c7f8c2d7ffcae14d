"""What is kept: the journal (the truth, a file a day) and the history (its projection into a database)."""
