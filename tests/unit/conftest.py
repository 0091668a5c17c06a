"""What every test without machines shares."""

from __future__ import annotations

from hypothesis import settings

# a busy machine is no failure: what hangs is ended by pytest-timeout
settings.register_profile("slipway", deadline=None)
settings.load_profile("slipway")
