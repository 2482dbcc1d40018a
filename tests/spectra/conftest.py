"""Runs commands in this process."""

from nasc.tests.cli.conftest import nasc

__all__ = ["nasc"]
