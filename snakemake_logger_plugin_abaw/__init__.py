"""What a person sees while ``snakemake`` runs; Snakemake finds this package by its name (``--logger abaw``)."""

from snakemake_logger_plugin_abaw.handler import LogHandler

__all__ = ["LogHandler"]
