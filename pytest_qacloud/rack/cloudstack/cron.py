"""Cron lines of five fields: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday).

Each field is `*`, a number, a range `a-b`, any of these with a step `/n`, or several joined by commas. As crontab(5)
has it, where both days are restricted a moment fits that meets either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_ITEM = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?")
_LONGEST = timedelta(days=4 * 366)
"""Within so long every line that can ever fit does: 29 February comes every four years (but for 2100)."""


@dataclass(frozen=True)
class Cron:
    """A parsed line: the allowed values of each field, and whether the days are restricted."""

    fields: tuple[frozenset[int], ...]
    any_day: bool
    any_weekday: bool

    def fits_day(self, moment: datetime) -> bool:
        """Whether a moment's date fits."""
        day, weekday = moment.day in self.fields[2], moment.isoweekday() % 7 in self.fields[4]
        if moment.month not in self.fields[3]:
            return False
        return (day and weekday) if self.any_day or self.any_weekday else (day or weekday)

    def next_after(self, now: float, zone: ZoneInfo) -> float | None:
        """The first moment after `now` that fits, seconds since the epoch; `None` where none ever does."""
        moment = datetime.fromtimestamp(now, zone).replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = moment + _LONGEST
        while moment < end:
            if not self.fits_day(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.fields[1]:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.fields[0] or moment.timestamp() <= now:
                moment += timedelta(minutes=1)
            else:
                return moment.timestamp()
        return None


def parse(line: str) -> Cron:
    """A cron line.

    Raises:
        ValueError: it is none.
    """
    parts = line.split()
    if len(parts) != len(_BOUNDS):
        raise ValueError(f"{line!r} has {len(parts)} fields, not {len(_BOUNDS)}")
    fields = [_values(part, low, high) for part, (low, high) in zip(parts, _BOUNDS, strict=True)]
    fields[4] = frozenset(value % 7 for value in fields[4])
    return Cron(tuple(fields), any_day=parts[2] == "*", any_weekday=parts[4] == "*")


def _values(part: str, low: int, high: int) -> frozenset[int]:
    values: set[int] = set()
    for item in part.split(","):
        match = _ITEM.fullmatch(item)
        if match is None:
            raise ValueError(f"{item!r} is no number, range or step")
        first, last, step = (None if group is None else int(group) for group in match.groups())
        begin = low if first is None else first
        end = last if last is not None else high if first is None or step is not None else begin
        if not low <= begin <= end <= high or step == 0:
            raise ValueError(f"{item!r} is not within {low} and {high}")
        values.update(range(begin, end + 1, step or 1))
    return frozenset(values)


def zone_named(name: str) -> ZoneInfo:
    """A time zone.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"there is no timezone {name!r}") from None
