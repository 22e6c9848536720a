"""How many examples hypothesis tries: HYPOTHESIS_PROFILE=slow for 500 of each law, 25 otherwise."""

import os

from hypothesis import HealthCheck, settings

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True, suppress_health_check=QUIET)
settings.register_profile("slow", max_examples=500, deadline=None, suppress_health_check=QUIET)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
