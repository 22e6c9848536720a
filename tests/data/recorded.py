"""Where real files lie beside the project, if they do."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[3] / "shared" / "data"


def raw(name):
    """A vendor's file as it came; the test is skipped where it is not."""
    return there(SHARED / "raw_samples" / name)


def there(path):
    if not path.exists():
        pytest.skip(f"no recorded file {path.name} beside the project")
    return path
