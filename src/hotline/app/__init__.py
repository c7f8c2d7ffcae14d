"""The composition root: `compose` builds every object once, by hand, top to bottom, and ends them in order."""
