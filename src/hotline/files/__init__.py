"""Files: where recordings lie, how long they are kept, and what happens when the disk fills."""
