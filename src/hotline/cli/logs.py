"""The log: one JSON object a line on standard error, telephone numbers masked."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from hotline.voice.numbers import masked

__all__ = ["set_up"]


def set_up(level: str) -> None:
    """For the whole process, libraries' own logs included."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _masked,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False, default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def _masked(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """No whole telephone number leaves the process by its log, wherever it stands."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = value if key == "timestamp" else masked(value)
        elif not isinstance(value, int | float | bool | None):
            event[key] = masked(str(value))
    return event
