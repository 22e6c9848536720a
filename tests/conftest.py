"""How many examples hypothesis tries: HYPOTHESIS_PROFILE=slow for 500 of each law, 25 otherwise.

What a test records as "printed" (`record_property`) is printed at the end, from workers too.
"""

import os
from typing import Any

from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True, suppress_health_check=QUIET)
settings.register_profile("slow", max_examples=500, deadline=None, suppress_health_check=QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests have to show."""
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        for name, text in report.user_properties:
            if name == "printed":
                terminalreporter.section(report.nodeid)
                terminalreporter.write_line(text)
