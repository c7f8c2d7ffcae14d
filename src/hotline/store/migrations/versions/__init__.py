"""Changes of the history's tables, one file each, oldest first."""
