# The checked settings, and the digests by which Snakemake notices a change. Nothing heavy is imported here.
from snakemake.settings.types import DeploymentMethod

from abaw_pipeline.datasets.listing import listing_digest
from abaw_pipeline.ensembles.runs import model_runs
from abaw_pipeline.features.files.stack import Stack
from abaw_pipeline.features.text.settings import reads_made
from abaw_pipeline.features.text.made import corrections
from abaw_pipeline.media.codes import media_codes
from abaw_pipeline.presets import reported
from abaw_pipeline.runtime.clocks import settle
from abaw_pipeline.runtime.code import PACKAGE, code_digest
from abaw_pipeline.runtime.keys import digest, file_digest, settings_digest
from abaw_pipeline.runtime.paths import Layout, report_page
from abaw_pipeline.runtime.run_lock import hold
from abaw_pipeline.runtime.slurm_status import patient
from abaw_pipeline.runtime.snapshot import refresh_listing, save_settings
from abaw_pipeline.runtime.storage import EXIT_CODE, CannotWrite, require_room
from abaw_pipeline.runtime.temporaries import sweep, sweep_folder
from abaw_pipeline.settings_file import check
from abaw_pipeline.state.listed import manifests, submissions
from abaw_pipeline.state.losses import loss_marks, missing_index_files
from abaw_pipeline.tracks import TRACKS
from abaw_pipeline.training.memory import manifests_mb
from abaw_pipeline.training.plan import prediction_code, recipe
from abaw_pipeline.training.splits.names import fold_names, folds_mark

SETTINGS_FILE = str((workflow.overwrite_configfiles or ["config.yaml"])[-1])


def stop(problem, code=2):
    """One line and an exit code, before any job starts."""
    print(f"abaw: {problem}", file=sys.stderr)
    sys.exit(code)


try:
    CONFIG = check(config, SETTINGS_FILE)
except ValueError as error:
    stop(error)

# Jobs read the settings as they were when Snakemake read them, whatever is edited meanwhile.
# On a cluster, so does the process that runs a job on its node: it is told which copy.
try:
    SETTINGS = save_settings(CONFIG) if workflow.is_main_process else Path(os.environ["ABAW_SETTINGS"])
except CannotWrite as error:
    stop(error, EXIT_CODE)
os.environ["ABAW_SETTINGS"] = str(SETTINGS)
sweep_folder(SETTINGS.parent)


envvars:
    "ABAW_SETTINGS",


HERE = f"'{sys.executable}' -m abaw_pipeline"
# With conda it is the environment's Python, on this copy of the package.
WITH_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
ABAW = f"PYTHONPATH='{workflow.basedir}' python -m abaw_pipeline" if WITH_CONDA else HERE
if plugin := sys.modules.get("snakemake_executor_plugin_slurm"):  # loaded where it is installed
    asked = plugin.job_status_query
    plugin.query_job_status = patient(asked.query_job_status, asked.query_job_status_squeue)
RESULTS = Path(CONFIG.results)
LOGS = f"{RESULTS}/logs"
TIMES = f"{RESULTS}/benchmarks"
PAGE = str(report_page(RESULTS))
SHARDS = range(CONFIG.shards)


def begin():
    """Take the results folder for this run, and clear up what killed ones and wrong clocks left in it."""
    try:
        hold(RESULTS, "snakemake")
        sweep(RESULTS)
        settle(RESULTS)
        require_room(RESULTS)
    except ValueError as error:
        stop(error)
    except CannotWrite as error:
        stop(error, EXIT_CODE)


def say_if_full():
    """After a failure: on a full disk, the logs that would say so are empty."""
    try:
        require_room(RESULTS)
    except CannotWrite as error:
        print(f"abaw: {error}", file=sys.stderr)


def layout(dataset):
    return Layout(RESULTS, dataset)


def runs(experiment):
    """(fold, seed) of every training of an experiment."""
    settings = CONFIG.experiments[experiment]
    return [(fold, seed) for fold in fold_names(settings) for seed in settings.seeds]


def trained_on(experiment):
    return layout(CONFIG.experiments[experiment].dataset)


def extra(experiment):
    """Layouts of the data sets whose training clips join those of the experiment's own."""
    return [layout(dataset) for dataset in CONFIG.experiments[experiment].extra]


def command(wildcards, output):
    """How a job calls the package. Snakemake compares no parameter that is made from the output: the name of the
    settings file may differ from run to run, what of it matters stands in digests."""
    return f"{ABAW} --config {SETTINGS}"


def feature_manifests(experiment, dataset):
    return [layout(dataset).feature_manifest(name) for name in CONFIG.experiments[experiment].features]


def scene_manifest(experiment):
    """The manifest of the feature by which the training clips of an experiment are divided into scenes."""
    scenes = CONFIG.experiments[experiment].scenes
    return [trained_on(experiment).feature_manifest(scenes.feature)] if scenes else []


def extra_manifests(experiment):
    """Feature manifests of each of them."""
    return [[str(path) for path in feature_manifests(experiment, one.dataset)] for one in extra(experiment)]


def transcripts_read(wildcards):
    """The manifest of the transcripts that a feature is made from."""
    shard = layout(wildcards.dataset).transcripts_shard(int(wildcards.shard))
    return [shard] if reads_made(CONFIG.features[wildcards.feature]) else []


def stacked_predictions(wildcards):
    """The manifests of what a stacked feature is made from."""
    settings = CONFIG.features[wildcards.feature]
    stages = settings.experiments if isinstance(settings, Stack.Settings) else ()
    here = layout(wildcards.dataset)
    return [here.predictions_manifest(name, fold, seed) for name in stages for fold, seed in runs(name)]


# What lost a part by hand is made whole again: a loss changes this mark, which stands in the params of its rule.
LOSSES = loss_marks(CONFIG, remember=workflow.is_main_process)


def lost(manifest):
    return LOSSES.get(str(manifest), "")


def gpu_units(alone):
    """What a GPU job asks of `--resources gpu=`: a share where devices are shared, all shares of one where it runs alone.

    A cluster's unit is always a whole GPU.
    """
    if CONFIG.device == "cpu":
        return 0
    return CONFIG.gpus.trainings_per_device if alone and workflow.local_exec and not workflow.remote_exec else 1


def member_predictions(wildcards):
    """What an ensemble fuses: predictions of models and of other ensembles, and where it made its choices, if elsewhere."""
    here, home = layout(wildcards.dataset), CONFIG.chosen_on(wildcards.ensemble)
    found = [] if home in (None, wildcards.dataset) else [layout(home).ensemble_manifest(wildcards.ensemble)]
    for name in CONFIG.members(wildcards.ensemble):
        if name not in CONFIG.experiments:
            found.append(here.ensemble_manifest(name))
        else:
            taken = model_runs(CONFIG.experiments[name], CONFIG.ensembles[wildcards.ensemble])
            found += [here.predictions_manifest(name, fold, seed) for fold, seed in taken]
    return found


def asked(wildcards):
    return ASKED[wildcards.dataset, wildcards.name, wildcards.track]


def fused(wildcards):
    """The manifests of the ensembles that a submission is made from."""
    return [layout(wildcards.dataset).ensemble_manifest(name) for name in asked(wildcards).ensembles.values()]


def submitted(suffix):
    """What is declared of a submission."""
    folder = f"{RESULTS}/{{dataset}}/submissions/{{name}}"
    labels = {"data set": "{dataset}", "name": "{name}", "track": "{track}"}
    return {
        "file": report(f"{folder}/{{track}}{suffix}", category="Submissions", labels=labels),
        "zip": f"{folder}/{{track}}.zip",
        "provenance": f"{folder}/{{track}}.provenance.json",
    }


PAIRS = [(name, dataset) for name in CONFIG.ensembles for dataset in CONFIG.ensemble_datasets(name)]
ASKED = {(one.dataset, one.name, one.track): one for one in submissions(CONFIG)}
SUBMISSIONS = [layout(dataset).submission(name, track) for dataset, name, track in ASKED]
CURVES = [layout(dataset).curves(name) / "done.json" for name, dataset in PAIRS if not CONFIG.datasets[dataset].samples]


wildcard_constraints:
    dataset="[^/]+",
    feature="[^/]+",
    experiment="[^/]+",
    ensemble="[^/]+",
    fold="[a-z0-9]+",
    seed=r"\d+",
    shard=r"\d+",
    name="[^/]+",
