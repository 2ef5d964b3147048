"""How fast a disk offering's volumes may be read and written: bytes and operations, each with a burst."""

from __future__ import annotations

RATES = tuple(
    f"{unit}{way}rate{suffix}"
    for unit in ("bytes", "iops")
    for way in ("read", "write")
    for suffix in ("", "max", "maxlength")
)
"""Names of the parameters: a rate each second, the rate of a burst, and how many seconds a burst may last."""


def _rate(parameter: str) -> property:
    def value(self: Rated) -> int | None:
        return self.limits_on_io().get(parameter)

    return property(value, doc=f"As the parameter `{parameter}`.")


class Rated:
    """The fields of a reply that show rates."""

    def limits_on_io(self) -> dict[str, int]:
        """The rates by the names of their parameters."""
        raise NotImplementedError

    diskBytesReadRate = _rate("bytesreadrate")  # noqa: N815 - these are the fields' names in the API
    diskBytesReadRateMax = _rate("bytesreadratemax")  # noqa: N815
    diskBytesReadRateMaxLength = _rate("bytesreadratemaxlength")  # noqa: N815
    diskBytesWriteRate = _rate("byteswriterate")  # noqa: N815
    diskBytesWriteRateMax = _rate("byteswriteratemax")  # noqa: N815
    diskBytesWriteRateMaxLength = _rate("byteswriteratemaxlength")  # noqa: N815
    diskIopsReadRate = _rate("iopsreadrate")  # noqa: N815
    diskIopsReadRateMax = _rate("iopsreadratemax")  # noqa: N815
    diskIopsReadRateMaxLength = _rate("iopsreadratemaxlength")  # noqa: N815
    diskIopsWriteRate = _rate("iopswriterate")  # noqa: N815
    diskIopsWriteRateMax = _rate("iopswriteratemax")  # noqa: N815
    diskIopsWriteRateMaxLength = _rate("iopswriteratemaxlength")  # noqa: N815
