"""Where a call goes: which number was called, and what time it is there."""
