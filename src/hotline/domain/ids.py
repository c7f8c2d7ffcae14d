"""Names of things, so that a call is never mistaken for a leg."""

from typing import NewType

__all__ = ["CallId", "LegId", "OfferId", "OperatorId", "PlayId", "QueueId", "RecordingId", "TicketId"]

CallId = NewType("CallId", str)
"""One person's contact from arrival to end."""
LegId = NewType("LegId", str)
"""One connection to one party, as the switch knows it."""
TicketId = NewType("TicketId", str)
"""A place in a queue, with or without a leg."""
OfferId = NewType("OfferId", str)
"""One ringing of one operator for one ticket."""
OperatorId = NewType("OperatorId", str)
QueueId = NewType("QueueId", str)
PlayId = NewType("PlayId", str)
RecordingId = NewType("RecordingId", str)
