# Data set -> clip index. listing.json (names, sizes, times of the raw files) is refreshed while this is read, and is
# what tells the index that something was added, removed or replaced.
GENERATED = {name: s.generate for name, s in CONFIG.datasets.items() if getattr(s, "generate", None)}
for _name, _settings in CONFIG.datasets.items() if workflow.is_main_process else ():  # once a run, not once a job
    _listing = listing_digest(_settings)
    if not _listing and _name not in GENERATED:
        stop(f"{SETTINGS_FILE}: datasets.{_name}.root: no such folder: {_settings.root}")
    try:
        refresh_listing(layout(_name), _listing)
    except CannotWrite as error:
        stop(error, EXIT_CODE)
    sweep_folder(layout(_name).home)


rule corpus:
    output:
        listing=f"{RESULTS}/{{dataset}}/listing.json",
    params:
        abaw=command,
        root=lambda wildcards: CONFIG.datasets[wildcards.dataset].root,
        clips=lambda wildcards: GENERATED[wildcards.dataset].clips,
        seed=lambda wildcards: GENERATED[wildcards.dataset].seed,
        shape=lambda wildcards: CONFIG.datasets[wildcards.dataset].adapter,
    wildcard_constraints:
        dataset="|".join(GENERATED) or "nothing-is-generated",
    log:
        f"{LOGS}/corpus/{{dataset}}.log",
    benchmark:
        f"{TIMES}/corpus/{{dataset}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "write the built-in corpus to {params.root}"
    shell:
        "({params.abaw} demo '{params.root}' --layout {params.shape} --clips {params.clips} --seed {params.seed}"
        " && {params.abaw} listing {wildcards.dataset}) > {log} 2>&1"


rule index:
    input:
        listing=f"{RESULTS}/{{dataset}}/listing.json",
    output:
        clips=f"{RESULTS}/{{dataset}}/clips.json",
    params:
        abaw=command,
        settings=lambda wildcards: settings_digest(CONFIG.datasets[wildcards.dataset]),
        lost=lambda wildcards: missing_index_files(layout(wildcards.dataset), CONFIG.datasets[wildcards.dataset]),
        code=lambda wildcards: code_digest("datasets.index", f"datasets.{CONFIG.datasets[wildcards.dataset].adapter}"),
    log:
        f"{LOGS}/index/{{dataset}}.log",
    benchmark:
        f"{TIMES}/index/{{dataset}}.tsv"
    conda:
        "../../envs/abaw.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
    message:
        "list the clips of {wildcards.dataset}"
    shell:
        "{params.abaw} index {wildcards.dataset} > {log} 2>&1"
