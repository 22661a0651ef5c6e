# From recordings to submission files: settings are read and checked here, the rules lie in workflow/rules/.
import json
import os
import sys
from pathlib import Path

from snakemake.utils import min_version

min_version("9.0")

if not workflow.is_main_process:  # a job on a cluster: the settings its run started with, not the file as it is by now
    config = json.loads(Path(os.environ["ABAW_SETTINGS"]).read_text(encoding="utf-8"))
elif "datasets" not in config:  # given whole by --configfile, or else the shipped file
    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/media.smk"
include: "workflow/rules/transcripts.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/fusion.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        manifests(CONFIG),
        SUBMISSIONS,
        CURVES,
        PAGE,


onstart:  # not in dry runs, and not in the processes of jobs
    begin()


onerror:
    say_if_full()


onsuccess:
    shell("{HERE} --config {SETTINGS} summary")
