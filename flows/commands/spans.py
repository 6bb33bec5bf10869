"""Spans of time, work and sizes in the unit people would take."""


def span(seconds: float) -> str:
    """Says a span of time in words."""
    return f"{seconds / 86_400:.1f} days" if seconds >= 3 * 86_400 else effort(seconds)


def effort(seconds: float) -> str:
    """Says work in core-hours, or less: it is counted in hours, however many."""
    for unit, name in ((3_600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:,.0f} {name}" if seconds >= 10 * unit else f"{seconds / unit:.1f} {name}"
    return f"{max(seconds, 1):.0f} s" if seconds else "nothing"


def size(count: float) -> str:
    """Says a number of bytes in words."""
    for unit, name in ((1e12, "TB"), (1e9, "GB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count / 1e6:.0f} MB"
