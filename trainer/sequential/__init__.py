"""Tests of two arms that may be looked at as often as one likes."""
