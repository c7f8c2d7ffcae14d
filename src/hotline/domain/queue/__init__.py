"""Waiting: who waits, who is offered to whom, what is announced, and what fairness means."""
