"""The one loop that owns the hotline: inputs in, one journal transaction, then release (ARCHITECTURE.md, section 3)."""
