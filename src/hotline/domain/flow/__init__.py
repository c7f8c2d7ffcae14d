"""The call scenario: its interpreter, and the proof that it has no dead ends."""
