"""Tanggap: a government agency's official social media, from plan to public follow-up."""

__version__ = "0.1.0"
